"""The console as `sakimori up` serves it, and who may sign in there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from sakimori.cli import respond_parts as parts
from sakimori.cli.configuration import ConsoleSettings, console_settings, section
from sakimori.cli.deployed import ask_to_go_on, deployment
from sakimori.cli.home import home, ledger_place

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy import Engine as Database

    from sakimori.protect.tls import Identity
    from sakimori.respond.engine import Engine

OWNER = "console"
"""The name of the process that serves the console: it recovers its own runs, and there is one at a time."""

MOST_AT_ONCE = 200
"""Connections; more are told to come again."""

LAST_SECONDS = 3
"""How long an answer that is on its way may take when the console stops."""


def serve() -> None:
    """Serves the console until SIGTERM or SIGINT. Raises what `failures` names."""
    from sakimori.cli.serving import background, told_to_stop
    from sakimori.console.application import application
    from sakimori.console.page import Console
    from sakimori.console.people import Lasting
    from sakimori.protect.serving import configured, listening

    settings = console_settings()
    address, identity = reached(settings), _identity(settings)
    lasting = Lasting(timedelta(hours=settings.session_hours), timedelta(minutes=settings.idle_minutes))
    with (
        parts.only_one("console"),
        listening(settings.host, settings.port, "the console") as calls,
        told_to_stop() as stop,
        _ledger() as database,
        parts.opened_engine(OWNER, parts.chosen_policy()) as engine,
        _going_on(engine),
        _links(engine) as (links, link_address),
    ):
        inside = application(Console(engine, database, address, lasting), links, link_address)
        _first(database, address)
        config = configured(
            inside, identity, lifespan="off", limit_concurrency=MOST_AT_ONCE, timeout_graceful_shutdown=LAST_SECONDS
        )
        with background(config, calls):
            typer.echo(f"listening on {address}", err=True)
            stop.wait()


def reached(settings: ConsoleSettings) -> str:
    """The address that people reach it by."""
    from sakimori.protect.serving import is_loopback

    if settings.address:
        if not settings.address.startswith(("http://", "https://")):
            raise typer.BadParameter(f"address in [console.serve] is {settings.address!r}: begin it with https://")
        return settings.address.rstrip("/")
    if settings.host in ("", "0.0.0.0", "::"):  # noqa: S104 - refused, not listened on
        raise typer.BadParameter("[console.serve] listens everywhere: say by which address people reach it (address)")
    scheme = "http" if is_loopback(settings.host) and settings.certificate is None else "https"
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"{scheme}://{shown}:{settings.port}"


def _identity(settings: ConsoleSettings) -> Identity | None:
    """The certificate that is shown: the one that is given, else our own where others can reach the console; none on
    this machine alone, where a proxy may stand in front."""
    from sakimori.protect import tls
    from sakimori.protect.serving import is_loopback

    if (settings.certificate is None) != (settings.key is None):
        raise typer.BadParameter("a certificate and its key belong together: give both in [console.serve]")
    if settings.certificate is not None and settings.key is not None:
        return tls.given(settings.certificate, settings.key)
    if is_loopback(settings.host):
        return None
    from urllib.parse import urlsplit

    own = {settings.host, urlsplit(reached(settings)).hostname or ""} - {"0.0.0.0", "::", ""}  # noqa: S104 - no names
    return tls.own(home() / "console" / "tls", [*tls.usual_names(), *sorted(own)])


@contextmanager
def _ledger() -> Iterator[Database]:
    from sakimori.store.database import connect

    database = connect(ledger_place())
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _going_on(engine: Engine) -> Iterator[None]:
    """How a run goes on that was approved here: in this process, or in the function of the deployment."""
    name = deployment()
    if not name:
        from sakimori.respond.durable import DurableEngine

        with DurableEngine(engine, ledger_place()) as durable:
            durable.sweep()
            yield
        return

    def ask(run: str, _attempt: int) -> None:
        engine.book.release(run, engine.owner)  # type: ignore[attr-defined]  # a deployment's book is a TableBook
        if why := ask_to_go_on(name):
            typer.echo(f"the function goes on with its next heartbeat ({why})", err=True)

    engine.start = ask
    yield


@contextmanager
def _links(engine: Engine) -> Iterator[tuple[FastAPI | None, str]]:
    """The pages behind the links in messages, and the address that the links have; None where messages have none."""
    if deployment() or not section("notify.options").get("address"):
        yield None, ""
        return
    from sakimori.respond.pages.application import Pages, application

    with parts.opened_notifier() as notifier:
        yield application(Pages(engine, notifier, notifier.links.address)), notifier.links.address


def _first(database: Database, address: str) -> None:
    """Nobody can sign in yet: whoever started it gets an invitation."""
    from sakimori.console.people import ConsoleError, called, known_people

    if any(each.may_sign_in for each in known_people(database)):
        return
    try:
        name = called(parts.person())
    except ConsoleError:
        name = "admin"
    _invited(database, name, address)


def _invited(database: Database, name: str, address: str) -> None:
    from sakimori.console.people import called, invite

    secret = invite(database, name, datetime.now(UTC))
    typer.echo(f"{address}/welcome?token={secret}")
    typer.echo(f"printed the link with which {called(name)} chooses a password: it counts once, for a day", err=True)


def people(*, invite: str, remove: str, token: str) -> None:
    """Lets somebody sign in, or no more, or a script of theirs; it counts at once, also where the console runs."""
    from sakimori.console.people import called, new_token
    from sakimori.console.people import remove as removed

    with _ledger() as database:
        if remove:
            removed(database, remove)
            _noted("removed", remove)
            typer.echo(f"{called(remove)} may not sign in any more, and is signed out", err=True)
        if invite:
            _invited(database, invite, reached(console_settings()))
            _noted("invited", invite)
        if token:
            typer.echo(new_token(database, token, datetime.now(UTC)))
            _noted("token made", token)
            typer.echo(
                f"printed a token of {called(token)} for the API: it is not shown again, and ends in 90 days", err=True
            )


def _noted(what: str, name: str) -> None:
    with parts.opened_engine(f"people-{os.getpid()}", parts.chosen_policy()) as engine:
        engine.book.note(parts.person(), what, "", {"name": name})


def failures() -> tuple[type[Exception], ...]:
    """What ends it with an explanation."""
    from sakimori.console.people import ConsoleError
    from sakimori.protect.serving import CannotListenError
    from sakimori.protect.tls import CertificateError

    found: Any = (*parts.failures(), ConsoleError, CannotListenError, CertificateError)
    return tuple(found)
