"""The ASGI application: `/approve` and `/acknowledge`, each shown by GET and done by POST."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sakimori.model.said import Made
from sakimori.notify.asking import ACKNOWLEDGE
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import filled, plain, texts
from sakimori.notify.news import facts_of
from sakimori.notify.notifier import Notifier
from sakimori.notify.translation import decided, in_language, retold
from sakimori.respond import approval
from sakimori.respond.approval import Refused
from sakimori.respond.engine import Engine
from sakimori.respond.errors import RespondError
from sakimori.respond.pages import forms
from sakimori.respond.pages.rendering import environment, headers, language_of
from sakimori.respond.runs import ActionRow, RunState

PATHS = (f"/{approval.PURPOSE}", f"/{ACKNOWLEDGE}")

STATUS = {"forged": 403, "form": 403, "expired": 410, "used": 409, "changed": 409, "elsewhere": 410}
LONGEST_SHOWN = 400
TEMPLATES = Path(__file__).with_name("templates")

Do = Callable[[Mapping[str, str], str], tuple[int, str, dict[str, Any]]]
"""What a page does with a form or a query, in a language: the status, the template and what it shows."""


@dataclass(frozen=True, slots=True)
class Pages:
    """What the pages need. `address` is where people reach them."""

    engine: Engine
    notifier: Notifier
    address: str


def application(pages: Pages) -> FastAPI:
    """The application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.router.redirect_slashes = False
    shows: dict[str, tuple[Do, Do]] = {
        f"/{approval.PURPOSE}": (pages_approve(pages), pages_decide(pages)),
        f"/{ACKNOWLEDGE}": (pages_seen(pages), pages_acknowledge(pages)),
    }
    for path, (show, do) in shows.items():
        app.add_route(path, _shown(show), methods=["GET", "HEAD"])
        app.add_route(path, _done(pages, do), methods=["POST"])
    return app


def _shown(show: Do) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        language = language_of(request, request.query_params.get("language", ""))
        return _page(language, *await run_in_threadpool(show, dict(request.query_params), language))

    return answer


def _done(pages: Pages, do: Do) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        form = await forms.read(request)
        language = language_of(request, (form or {}).get("language", ""))
        signer = pages.notifier.links.signer
        ours = form is not None and forms.is_ours(signer, form, datetime.now(UTC))
        if form is None or not ours or not forms.from_our_page(request, pages.address):
            return _page(language, *_refused("form", {}, language))
        return _page(language, *await run_in_threadpool(do, form, language))

    return answer


# ---- what the pages do


def pages_approve(pages: Pages) -> Do:
    """Shows what is to be decided."""

    def show(given: Mapping[str, str], language: str) -> tuple[int, str, dict[str, Any]]:
        token, now = given.get("token", ""), datetime.now(UTC)
        try:
            asked, run = pages.engine.asked(token)
        except Refused as refused:
            return _refused(refused.reason, refused.facts, language)
        event = pages.engine.book.event_of(run.id)
        seals = {
            verdict: forms.seal(pages.notifier.links.signer, token, verdict, now) for verdict in ("approve", "reject")
        }
        finding = event.finding
        told = in_language(facts_of(finding) if finding else {"title": event.kind}, language)
        shown = {
            "run": run,
            "person": asked.person,
            "until": _time(asked.approval.expires_at),
            "actions": [_action(each, run.said, language) for each in run.actions],
            "decision": plain(decided(run.decision, language)),
            "why": retold(run.why, run.said, language),
            "missing": [retold(each, run.said, language) for each in run.not_evaluated],
            "title": plain(told["title"]),
            "description": plain(told.get("description", "")),
            "severity": texts()["severities"][finding.severity.label][language] if finding else "",
            "facts": {"workflow": run.workflow, "person": asked.person, "until": _time(asked.approval.expires_at)}
            | {"run": run.id},
        }
        return 200, "approve.html", shown | {"token": token, "seals": seals}

    return show


def pages_decide(pages: Pages) -> Do:
    """Decides, and starts what was approved."""

    def do(form: Mapping[str, str], language: str) -> tuple[int, str, dict[str, Any]]:
        approved = form["verdict"] == "approve"
        try:
            asked, _ = pages.engine.asked(form["token"])
            by = asked.name("the link")
            run = pages.engine.decide(form["token"], "", approved=approved)
        except Refused as refused:
            return _refused(refused.reason, refused.facts, language)
        except RespondError:  # somebody else was quicker, in between
            return pages_approve(pages)({"token": form["token"]}, language)
        if run.state is RunState.CARRYING and pages.engine.start is not None:
            pages.engine.start(run.id, run.attempt)
        return 200, "done.html", {"said": "approved" if approved else "rejected", "facts": {"by": by, "run": run.id}}

    return do


def pages_seen(pages: Pages) -> Do:
    """Shows what is to be acknowledged."""

    def show(given: Mapping[str, str], language: str) -> tuple[int, str, dict[str, Any]]:
        token = given.get("token", "")
        try:
            seen, said = pages.notifier.looked_up(token, language)
        except NotifyError:
            return _refused("forged", {}, language)
        before = pages.notifier.acknowledged(seen.news)
        seal = forms.seal(pages.notifier.links.signer, token, "acknowledge", datetime.now(UTC))
        facts = {"at": _time(before[0]), "by": before[1]} if before else {}
        return 200, "acknowledge.html", {"said": said, "before": before, "facts": facts, "token": token, "seal": seal}

    return show


def pages_acknowledge(pages: Pages) -> Do:
    """Acknowledges."""

    def do(form: Mapping[str, str], language: str) -> tuple[int, str, dict[str, Any]]:
        try:
            pages.notifier.acknowledge(form["token"])
        except NotifyError:
            return _refused("forged", {}, language)
        return 200, "done.html", {"said": "acknowledged", "facts": {}}

    return do


def _refused(reason: str, facts: Mapping[str, str], language: str) -> tuple[int, str, dict[str, Any]]:
    shown = dict(facts)
    if "verdict" in shown:
        shown["verdict"] = texts()["pages"][f"verdict-{shown['verdict']}"][language]
    shown |= {name: _time(shown[name]) for name in ("at", "until") if name in shown}
    return STATUS[reason], "refused.html", {"reason": f"refused-{reason}", "facts": shown}


def _action(row: ActionRow, said: Mapping[str, Made], language: str) -> dict[str, Any]:
    """An action with what it changes: (what, before, afterwards)."""
    keys = sorted({*row.before, *row.would})
    changes = [
        (key, _value(row.before.get(key)), _value(row.would.get(key)))
        for key in keys
        if row.before.get(key) != row.would.get(key)
    ]
    why = retold(row.why, said, language)
    return {"action": decided(row.action, language), "target": row.target.uid, "why": why, "changes": changes}


def _value(value: Any) -> str:
    text = (
        "–"
        if value is None
        else value
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False, default=str)
    )
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def _time(text: str) -> str:
    return f"{text[:10]} {text[11:16]} UTC" if len(text) >= 16 else text


# ---- how they look


def _page(language: str, status: int, template: str, shown: dict[str, Any]) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    catalogue = {name: said[language] for name, said in texts()["pages"].items()}

    def say(name: str) -> str:
        return filled(catalogue[name], shown.get("facts", {}))

    page = environment(TEMPLATES).get_template(template)
    text = page.render(**shown, language=language, nonce=nonce, say=say, plain=plain)
    return HTMLResponse(text, status, headers=headers(f"style-src 'nonce-{nonce}'"))


def mounted(pages: FastAPI, events: ASGIApp | None) -> ASGIApp:
    """Our pages, and the webhook for all else."""

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        elsewhere = events if scope["type"] == "http" and scope["path"] not in PATHS else None
        await (elsewhere or pages)(scope, receive, send)

    return both
