"""Signing in and out, and the first time: a password of one's own, chosen with an invitation."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sakimori.console import gate, people
from sakimori.console.looks import html
from sakimori.console.page import Console
from sakimori.console.people import ConsoleError, Person
from sakimori.respond.bookkeeping import OURSELVES

AT_ONCE = 2
"""Passwords that are looked at at once: each takes 16 MB and a quarter of a second of a processor."""

MOST_WAITING = 50
NAME_TRIES, ADDRESS_TRIES = 10, 20
"""Wrong passwords for a name, and from an address, within a quarter of an hour."""

Answer = Callable[[Request], Awaitable[Response]]


def routes(console: Console) -> Iterator[tuple[str, list[str], Answer]]:
    """The addresses that need no session, but for the last."""
    room = anyio.CapacityLimiter(AT_ONCE)
    yield "/sign-in", ["GET"], _ask(console)
    yield "/sign-in", ["POST"], _sign_in(console, room)
    yield "/welcome", ["GET"], _welcome(console)
    yield "/welcome", ["POST"], _accept(console, room)
    yield "/sign-out", ["POST"], _sign_out(console)


def _ask(console: Console) -> Answer:
    async def answer(request: Request) -> Response:
        going = gate.within(request.query_params.get("next", "/"))
        if await run_in_threadpool(gate.who, console, request):
            return RedirectResponse(going, 303)
        return _form(console, request, going)

    return answer


def _form(
    console: Console, request: Request, going: str, wrong: str = "", status: int = 200, wait: int = 0
) -> Response:
    shown = {"next": going, "wrong": wrong, "minutes": max(1, math.ceil(wait / 60))}
    page = html(console, request, None, "sign_in.html", shown, status)
    if wait:
        page.headers["Retry-After"] = str(wait)
    return page


def _refused(console: Console, request: Request, reason: str, status: int) -> Response:
    return html(console, request, None, "message.html", {"reason": reason, "why": ""}, status)


def _sign_in(console: Console, room: anyio.CapacityLimiter) -> Answer:
    async def answer(request: Request) -> Response:
        form = await gate.form_of(console, request, "")
        if form is None:
            return _refused(console, request, "refused-form", 403)
        if room.statistics().tasks_waiting > MOST_WAITING:
            return _refused(console, request, "busy", 503)
        address, going = request.client.host if request.client else "", gate.within(form.get("next", "/"))
        found = await anyio.to_thread.run_sync(lambda: _tried(console, form, address), limiter=room)
        if isinstance(found, Person):
            return _begun(console, found, going)
        if found:
            return _form(console, request, going, "sign-in-wait", 429, math.ceil(found))
        return _form(console, request, going, "sign-in-wrong", 401)

    return answer


def _tried(console: Console, form: dict[str, str], address: str) -> Person | float:
    """Who signs in; else the seconds to wait before another try, 0.0 for none."""
    name = people.written(form.get("name", ""))[: people.LONGEST_PASSWORD]
    keys = {f"name {name}": NAME_TRIES, f"address {address}": ADDRESS_TRIES}
    now = console.clock()
    if wait := console.tries.wait(keys, now):
        return wait
    lasting = console.lasting
    person = people.sign_in(console.database, name, form.get("password", ""), datetime.now(UTC), lasting)
    if person is None:
        console.tries.fail(keys, now)
        if console.tries.wait(keys, now):
            console.engine.book.note(OURSELVES, "sign-in held", "", {"name": name, "from": address})
        return 0.0
    console.tries.forget(f"name {name}")
    console.engine.book.note(person.signature, "signed in", "", {"from": address})
    return person


def _begun(console: Console, person: Person, going: str) -> Response:
    """A session, which a browser never had before: one that was set by somebody else does not become one of ours."""
    answer = RedirectResponse(going, 303)
    answer.set_cookie(
        gate.cookie_name(console),
        person.session,
        max_age=int(console.lasting.whole.total_seconds()),
        path="/",
        secure=gate.is_secure(console.address),
        httponly=True,
        samesite="lax",
    )
    return answer


def _welcome(console: Console) -> Answer:
    async def answer(request: Request) -> Response:
        token = request.query_params.get("token", "")
        name = await run_in_threadpool(people.invited, console.database, token, datetime.now(UTC))
        return _invitation(console, request, token, name)

    return answer


def _invitation(console: Console, request: Request, token: str, name: str, wrong: str = "") -> Response:
    if not name:
        return _refused(console, request, "refused-invitation", 403)
    shown: dict[str, Any] = {"token": token, "name": name, "wrong": wrong, "shortest": people.SHORTEST_PASSWORD}
    return html(console, request, None, "welcome.html", shown, 422 if wrong else 200)


def _accept(console: Console, room: anyio.CapacityLimiter) -> Answer:
    async def answer(request: Request) -> Response:
        form = await gate.form_of(console, request, "")
        if form is None:
            return _refused(console, request, "refused-form", 403)
        return await anyio.to_thread.run_sync(lambda: _chosen(console, request, form), limiter=room)

    return answer


def _chosen(console: Console, request: Request, form: dict[str, str]) -> Response:
    token, password, now = form.get("token", ""), form.get("password", ""), datetime.now(UTC)
    name = people.invited(console.database, token, now)
    if name and password != form.get("again", ""):
        return _invitation(console, request, token, name, "password-not-the-same")
    try:
        person = people.accept(console.database, token, password, now, console.lasting)
    except ConsoleError as error:
        return _invitation(console, request, token, name, error.reason)
    console.tries.forget(f"name {name}")
    console.engine.book.note(person.signature, "password chosen", "", {})
    return _begun(console, person, "/")


def _sign_out(console: Console) -> Answer:
    async def answer(request: Request) -> Response:
        person = await run_in_threadpool(gate.who, console, request)
        if person is not None:
            if await gate.form_of(console, request, person.session) is None:
                return _refused(console, request, "refused-form", 403)
            await run_in_threadpool(people.sign_out, console.database, person.session)
        gone = RedirectResponse("/sign-in", 303)
        secure = gate.is_secure(console.address)
        gone.delete_cookie(gate.cookie_name(console), path="/", secure=secure, httponly=True, samesite="lax")
        return gone

    return answer
