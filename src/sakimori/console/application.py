"""The ASGI application: every page as HTML and as JSON, every act by form and by POST of JSON, behind the gate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from sakimori.console import gate, signing_in
from sakimori.console.looks import ASSETS, html, told
from sakimori.console.page import Act, Asked, Console, NotThere, NotUnderstood, Page
from sakimori.console.pages import acts, pages
from sakimori.console.people import Person
from sakimori.respond.approval import Refused
from sakimori.respond.errors import RespondError
from sakimori.respond.pages.application import STATUS, mounted
from sakimori.respond.pages.forms import LARGEST
from sakimori.respond.pages.rendering import language_of
from sakimori.respond.world import Trouble
from sakimori.store.database import LedgerError

API = "/api"
FIRST = "/runs"
"""The page that one comes to."""

Answer = Callable[[Request], Awaitable[Response]]
FAILURES = (NotThere, NotUnderstood, LedgerError, *Trouble)
"""What is told to whoever asked; anything else is an error of ours."""


def application(console: Console, links: FastAPI | None = None, link_address: str = "") -> ASGIApp:
    """The application; with `links`, the pages of signed links at the same address as well."""
    app = routes(console)
    hosts = gate.hosts_of([console.address, *([link_address] if links else [])])
    inside: ASGIApp = mounted(links, app) if links else app
    return gate.guarded(inside, hosts, secure=gate.is_secure(console.address))


def routes(console: Console) -> FastAPI:
    """Everything that can be asked for, once the gate is passed."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.redirect_slashes = False
    for page in pages():
        app.add_route(page.path, _page(console, page), methods=["GET"])
        app.add_route(API + page.path, _json(console, page), methods=["GET"])
    for act in acts():
        app.add_route(act.path, _form(console, act), methods=["POST"])
        app.add_route(API + act.path, _call(console, act), methods=["POST"])
    app.add_route("/dead-letters/{letter}/body", _body(console), methods=["GET"])
    app.add_route("/", _first(console), methods=["GET"])
    app.add_route("/assets/{name}", _asset, methods=["GET"])
    app.add_route("/healthz", _health, methods=["GET"])
    for path, methods, answer in signing_in.routes(console):
        app.add_route(path, answer, methods=methods)

    async def failed(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return _said(console, request, None, status, {404: "not-there", 405: "not-so"}.get(status, "broken"))

    async def away(request: Request, error: Exception) -> Response:
        return _said(console, request, None, 503, "ledger", str(error))

    for kind in (404, 405, 500):
        app.add_exception_handler(kind, failed)
    app.add_exception_handler(LedgerError, away)
    return app


# ---- pages


def _page(console: Console, page: Page) -> Answer:
    async def answer(request: Request) -> Response:
        person = await run_in_threadpool(gate.who, console, request)
        if person is None:
            return RedirectResponse(f"/sign-in?next={gate.asked_for(request)}", 303)
        asked = Asked(person, request.path_params, dict(request.query_params), language_of(request))
        try:
            return await run_in_threadpool(
                lambda: html(console, request, person, page.template, page.show(console, asked))
            )
        except FAILURES as error:
            return await run_in_threadpool(_failure, console, request, person, error)

    return answer


def _json(console: Console, page: Page) -> Answer:
    async def answer(request: Request) -> Response:
        person = await run_in_threadpool(lambda: gate.holder(console, request) or gate.who(console, request))
        if person is None:
            return _unknown()
        asked = Asked(person, request.path_params, dict(request.query_params))
        return await run_in_threadpool(_as_json, lambda: (page.show(console, asked), 200))

    return answer


def _body(console: Console) -> Answer:
    """A dead letter as it arrived, to be saved: no browser shows it."""

    async def answer(request: Request) -> Response:
        person = await run_in_threadpool(gate.who, console, request)
        if person is None:
            return RedirectResponse(f"/sign-in?next={gate.asked_for(request)}", 303)
        try:
            letter, body = await run_in_threadpool(console.engine.book.dead_letter, request.path_params["letter"])
        except RespondError as error:
            return await run_in_threadpool(_failure, console, request, person, NotThere(str(error)))
        saved = {"Content-Disposition": f'attachment; filename="dead-letter-{letter.id}.txt"'}
        return Response(body.encode("utf-8", "surrogatepass"), 200, saved, "application/octet-stream")

    return answer


def _first(console: Console) -> Answer:
    async def answer(request: Request) -> Response:
        person = await run_in_threadpool(gate.who, console, request)
        return RedirectResponse(FIRST if person else "/sign-in", 303)

    return answer


async def _asset(request: Request) -> Response:
    found = ASSETS.get(request.path_params["name"])
    if found is None:
        raise HTTPException(404)
    return Response(found[0], 200, {"Cache-Control": "max-age=3600"}, found[1])


async def _health(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


# ---- acts


def _form(console: Console, act: Act) -> Answer:
    async def answer(request: Request) -> Response:
        person = await run_in_threadpool(gate.who, console, request)
        if person is None:
            return RedirectResponse("/sign-in", 303)
        form = await gate.form_of(console, request, person.session)
        if form is None:
            return await run_in_threadpool(_said, console, request, person, 403, "refused-form")
        return await run_in_threadpool(_done, console, request, person, act, form)

    return answer


def _done(console: Console, request: Request, person: Person, act: Act, form: Mapping[str, str]) -> Response:
    try:
        outcome = act.do(console, Asked(person, request.path_params, {name: form.get(name, "") for name in act.fields}))
    except FAILURES as error:
        return _failure(console, request, person, error)
    if outcome.goes_to:
        return RedirectResponse(f"{outcome.goes_to}?said={outcome.said}", 303)
    return html(console, request, person, "outcome.html", outcome.shown, outcome.status)


def _call(console: Console, act: Act) -> Answer:
    """By a token only: a browser sends its session along by itself, whoever has it ask."""

    async def answer(request: Request) -> Response:
        person = await run_in_threadpool(gate.holder, console, request)
        if person is None:
            return _unknown()
        given = await _fields(request)
        if given is None:
            return _answered({"error": "send a JSON object of texts, of at most 16 KB"}, 400)
        asked = Asked(person, request.path_params, {name: given.get(name, "") for name in act.fields})

        def do() -> tuple[dict[str, Any], int]:
            outcome = act.do(console, asked)
            return outcome.shown, outcome.status

        return await run_in_threadpool(_as_json, do)

    return answer


async def _fields(request: Request) -> dict[str, str] | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return None
    try:
        given = orjson.loads(bytes(body)) if body else {}
    except orjson.JSONDecodeError:
        return None
    return given if isinstance(given, dict) and all(isinstance(each, str) for each in given.values()) else None


# ---- what went wrong


def _failure(console: Console, request: Request, person: Person, error: Exception) -> Response:
    status, reason = status_of(error)
    return _said(console, request, person, status, reason, str(error))


def status_of(error: Exception) -> tuple[int, str]:
    """The status of the answer, and the name of the text that it has."""
    if isinstance(error, Refused):
        return STATUS[error.reason], f"refused-{error.reason}"
    if isinstance(error, NotThere):
        return 404, "not-there"
    if isinstance(error, NotUnderstood):
        return 400, "not-understood"
    if isinstance(error, LedgerError):
        return 503, "ledger"
    return (409, "refused") if isinstance(error, RespondError) else (502, "away")


def _said(
    console: Console, request: Request, person: Person | None, status: int, reason: str, why: str = ""
) -> Response:
    if request.url.path.startswith(f"{API}/"):
        return _answered({"error": why or told(reason, "en")}, status)
    return html(console, request, person, "message.html", {"reason": reason, "why": why}, status)


def _unknown() -> Response:
    told_what = "sign in, or send a token of yours as Authorization: Bearer TOKEN (sakimori up --token NAME)"
    return Response(
        orjson.dumps({"error": told_what}), 401, {"WWW-Authenticate": 'Bearer realm="sakimori"'}, "application/json"
    )


def _as_json(show: Callable[[], tuple[dict[str, Any], int]]) -> Response:
    try:
        return _answered(*show())
    except FAILURES as error:
        return _answered({"error": str(error)}, status_of(error)[0])


def _answered(value: dict[str, Any], status: int) -> Response:
    import json

    try:
        text = orjson.dumps(value)
    except TypeError:  # numbers past 64 bits
        text = json.dumps(value, default=str).encode()
    return Response(text, status, media_type="application/json")
