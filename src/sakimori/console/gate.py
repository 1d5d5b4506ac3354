"""The gate before every page: who asks, under which name of ours, and with which form.

What is here holds for all pages, so that none can forget it: the host that a browser names is one of ours (no other
name is pointed at us: DNS rebinding), the session is known, a form was made for it, and every answer has the headers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sakimori.console import people
from sakimori.console.page import Console
from sakimori.console.people import Kind, Person
from sakimori.respond.pages import forms
from sakimori.respond.pages.rendering import headers

STYLE = "style-src 'self'; img-src 'self'"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
YEAR = 31_536_000
"""Seconds for which browsers are told to come back over TLS only."""


def is_secure(address: str) -> bool:
    """Whether people reach it over TLS."""
    return urlsplit(address).scheme == "https"


def is_local(host: str) -> bool:
    """Whether only this machine is meant."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def hosts_of(addresses: Iterable[str]) -> frozenset[str]:
    """The names that these addresses may be asked by; of one on this machine all names of this machine."""
    named = {(urlsplit(each).hostname or "").lower() for each in addresses} - {""}
    return frozenset(named | set(LOOPBACK)) if any(map(is_local, named)) else frozenset(named)


def guarded(inside: ASGIApp, hosts: frozenset[str], *, secure: bool) -> ASGIApp:
    """`inside`, for whoever names one of the hosts; every answer has the headers, where it has none of its own."""
    own = headers(STYLE)
    if secure and not any(map(is_local, hosts)):
        own["Strict-Transport-Security"] = f"max-age={YEAR}"
    given = [(name.lower().encode(), value.encode()) for name, value in own.items()]

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message.get("headers", ())}
                more = [pair for pair in given if pair[0] not in there]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        if _host(scope) not in hosts:
            wrong = PlainTextResponse("This is not where that name leads: use the address that you were given.\n", 421)
            await wrong(scope, receive, answer)
            return
        await inside(scope, receive, answer)

    return ask


def _host(scope: Scope) -> str:
    given = [value for name, value in scope["headers"] if name == b"host"]
    try:
        return (urlsplit(f"//{given[0].decode('ascii')}").hostname or "").lower() if len(given) == 1 else ""
    except ValueError:
        return ""


# ---- sessions


def cookie_name(console: Console) -> str:
    """`__Host-` makes browsers refuse one that was not set by us, over TLS, for us alone (RFC 6265bis, 4.1.3)."""
    return "__Host-sakimori" if is_secure(console.address) else "sakimori"


def who(console: Console, request: Request) -> Person | None:
    """Who asks with a session."""
    session = request.cookies.get(cookie_name(console), "")
    now = datetime.now(UTC)
    return people.whose(console.database, session, Kind.BROWSER, now, console.lasting) if session else None


def holder(console: Console, request: Request) -> Person | None:
    """Who asks with a token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    return people.whose(console.database, token.strip(), Kind.SCRIPT, datetime.now(UTC), console.lasting)


# ---- forms


def seal(console: Console, session: str, action: str) -> str:
    """What a form carries that was made for this session and this act, now."""
    return forms.seal(console.engine.signer, session, action, datetime.now(UTC))


async def form_of(console: Console, request: Request, session: str) -> dict[str, str] | None:
    """The fields of a form of ours; None if it was not made for this session and act, or came from elsewhere."""
    form = await forms.read(request)
    if form is None or not forms.from_our_page(request, console.address):
        return None
    claims: Mapping[str, str] = {**form, "token": session, "verdict": request.url.path}
    return form if forms.is_ours(console.engine.signer, claims, datetime.now(UTC)) else None


def within(place: str) -> str:
    """Where to go after signing in: a page of ours, whatever was asked for."""
    plain = place.isascii() and place.isprintable() and "\\" not in place
    return place if plain and place.startswith("/") and not place.startswith("//") else "/"


def asked_for(request: Request) -> str:
    """Where somebody who has to sign in first wanted to go, for the address of the sign-in page."""
    query = f"?{request.url.query}" if request.url.query else ""
    return quote(request.url.path + query, safe="")
