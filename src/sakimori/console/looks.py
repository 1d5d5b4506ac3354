"""How pages look: the templates with what they are given, the texts in the reader's language, and the two files that
browsers fetch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import HTMLResponse

from sakimori.console import gate
from sakimori.console.page import Console
from sakimori.console.pages import pages
from sakimori.console.people import Person
from sakimori.model.said import PLACEHOLDER
from sakimori.notify.message import texts as messages
from sakimori.notify.translation import decided
from sakimori.respond.pages.rendering import environment, language_of
from sakimori.respond.runs import RunState

HERE = Path(__file__).parent
ASSETS = {
    name: ((HERE / "assets" / name).read_bytes(), kind)
    for name, kind in (("console.css", "text/css; charset=utf-8"), ("icon.svg", "image/svg+xml"))
}
SHOWN = 65_536
"""Characters of a dead letter's body, or of evidence, that a page holds; the rest is to be saved."""


@cache
def texts() -> dict[str, dict[str, str]]:
    """The catalogue: name -> language -> text."""
    loaded: dict[str, dict[str, str]] = yaml.safe_load((HERE / "texts.yml").read_text(encoding="utf-8"))
    return loaded


def told(name: str, language: str, facts: Mapping[str, Any] | None = None) -> str:
    """A text, with its placeholders filled; English where the language has none."""
    text = texts()[name]
    given = facts or {}
    return PLACEHOLDER.sub(lambda found: str(given.get(found[1], "")), text.get(language, text["en"]))


def happened(what: str, language: str) -> str:
    """What an entry of the audit log says that happened; as it is recorded where no text is for it."""
    known = (name for name in (f"did-{what}", f"state-{what}") if name in texts())
    return next((told(name, language) for name in known), what)


def html(
    console: Console,
    request: Request,
    person: Person | None,
    template: str,
    shown: Mapping[str, Any],
    status: int = 200,
) -> HTMLResponse:
    """A page. `shown` is what the page gives; what all pages have is put beside it."""
    language = language_of(request)
    waiting = console.engine.book.tally().get(RunState.WAITING, 0) if person else 0
    session = person.session if person else ""

    def say(text: str, /, **facts: Any) -> str:
        return told(text, language, facts)

    def seal(action: str) -> str:
        return gate.seal(console, session, action)

    ours = request.headers.get("sec-fetch-site", "same-origin") == "same-origin"  # and no link of somebody else's
    said = request.query_params.get("said", "") if ours else ""
    text = (
        environment(HERE / "templates")
        .get_template(template)
        .render(
            shown=shown,
            person=person,
            language=language,
            say=say,
            seal=seal,
            tabs=[(page.tab, page.path) for page in pages() if page.tab],
            here=request.url.path.split("/")[1],
            waiting=waiting,
            said=said if f"said-{said}" in texts() else "",
            severity=lambda label: messages()["severities"][label][language],
            decision=lambda text: decided(text, language),
            happened=lambda what: happened(what, language),
            moment=moment,
            cut=cut,
            pretty=pretty,
            flat=flat,
            limit=SHOWN,
        )
    )
    return HTMLResponse(text, status)


def moment(text: str) -> str:
    """`2026-11-26T03:05:09.123Z` as people read it."""
    return f"{text[:10]} {text[11:16]} UTC" if len(text) >= 16 else text


def cut(text: str, most: int = 300) -> str:
    """Not more than so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def flat(value: Any) -> str:
    """JSON in one line."""
    return json.dumps(value, ensure_ascii=False, default=str)


def pretty(value: Any) -> str:
    """JSON as people read it; text that is no JSON as it is."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
        text = json.dumps(found, indent=2, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = value if isinstance(value, str) else str(value)
    return cut(text, SHOWN)
