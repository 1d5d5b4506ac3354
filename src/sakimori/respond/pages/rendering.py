"""How pages are made: escaped whatever they hold, in the reader's language, with headers that keep a browser short."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request

from sakimori.notify.message import LANGUAGES

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Categories of characters that command a terminal, reorder letters, or cannot be seen."""


@cache
def environment(folder: Path) -> Environment:
    """The templates of a folder."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_seen,
    )


def headers(style: str) -> dict[str, str]:
    """What every answer says to browsers; `style` is where styles may come from, and nothing else may come at all.

    `same-origin` and not `no-referrer`: with that, browsers do not say where a form comes from.
    """
    policy = f"default-src 'none'; {style}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def language_of(request: Request, asked: str = "") -> str:
    """The language that was asked for, else the browser's."""
    if asked in LANGUAGES:
        return asked
    return "ja" if request.headers.get("accept-language", "").lower().startswith("ja") else "en"


def visible(text: str) -> str:
    """The text with what cannot be seen, or reorders what can, written out: U+202E is `\\u202e`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        letter.encode("unicode_escape", "surrogatepass").decode()
        if letter not in "\n\t" and unicodedata.category(letter) in UNSEEN
        else letter
        for letter in text
    )


def _seen(value: Any) -> Any:
    """What a template puts into a page."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
