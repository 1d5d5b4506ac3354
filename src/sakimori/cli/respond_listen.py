"""`sakimori respond listen`: events from a queue, over HTTP or both, into the engine, until told to stop."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from sakimori.cli import respond_parts as parts
from sakimori.cli.home import ledger_place
from sakimori.cli.serving import background, told_to_stop

if TYPE_CHECKING:
    from sakimori.collect.events import Heard
    from sakimori.notify.notifier import Notifier
    from sakimori.respond.engine import Engine

SWEEP_SECONDS = 60.0
"""How often the listener looks for runs that nobody is at."""


def listen(queue: str, webhook: str, topics: list[str], poll: float) -> None:
    """Listens until SIGTERM or SIGINT. Raises RespondError, AwsError, LedgerError, WebhookError."""
    from sakimori.respond.durable import DurableEngine

    with (
        parts.only_one("respond"),
        parts.opened_engine(parts.LISTENER, parts.chosen_policy()) as engine,
        DurableEngine(engine, ledger_place()) as durable,
        told_to_stop() as stop,
    ):
        durable.sweep()
        with (
            parts.opened_notifier() as notifier,
            _background(lambda: _sweep(lambda: _swept(durable.sweep, notifier), stop), stop),
            _served(engine, notifier, webhook, topics),
        ):
            typer.echo("listening", err=True)
            if queue:
                _follow(engine, queue, poll, stop)
            else:
                stop.wait()


def keep(engine: Engine, found: Heard, body: str) -> None:
    """Hands events over to the engine; what was refused of them is kept among the dead letters."""
    from sakimori.respond.dead import bury_refused

    for event in found.events:
        engine.take(event)
        if why := engine.refusal(event):
            engine.book.bury(f"asked {event.asked}", why, body)
            typer.echo(why, err=True)
    bury_refused(engine.book, found.refusals, body)
    for refused in found.refusals:
        typer.echo(str(refused), err=True)


def _follow(engine: Engine, queue: str, poll: float, stop: threading.Event) -> None:
    from sakimori.collect.event_queue import receive_events
    from sakimori.collect.events import Heard

    for batch in receive_events(queue, stop=stop, poll_seconds=poll):
        for trouble in batch.troubles:
            typer.echo(str(trouble), err=True)
        for message in batch.messages:
            if message.poison and message.received > 1:
                continue  # it is among the dead letters already; the queue's redrive policy has the last word
            keep(engine, Heard(list(message.events), list(message.refusals)), message.body)
            if not message.poison:
                batch.done.add(message.id)


@contextmanager
def _served(engine: Engine, notifier: Notifier, place: str, topics: list[str]) -> Iterator[None]:
    """Takes events over HTTP meanwhile, if a place is given, and shows the pages of signed links."""
    if not place:
        yield
        return
    import uvicorn

    from sakimori.collect.webhook import WebhookError

    host, _, port = place.rpartition(":")
    if not host or not port.isdigit():
        raise WebhookError(f"--webhook {place!r} is not HOST:PORT, such as 127.0.0.1:8472")
    application = _application(engine, notifier, topics)
    try:
        calls = socket.create_server((host.strip("[]"), int(port)), family=_family(host))
    except (OSError, OverflowError) as error:
        raise WebhookError(f"--webhook {place} cannot be listened on: {error}") from None
    with background(uvicorn.Config(application, log_level="error", lifespan="off"), calls):
        yield


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _application(engine: Engine, notifier: Notifier, topics: list[str]) -> Callable[..., Any]:
    """The webhook, if anybody may deliver, and the pages, if people can reach them. Raises WebhookError if neither."""
    from sakimori.collect.webhook import topic, webhook
    from sakimori.respond.pages.application import Pages, application, mounted

    key, address = os.environ.get("SAKIMORI_WEBHOOK_KEY", ""), notifier.links.address
    events = None
    if key or topics or not address:
        arns = [topic(arn) for arn in topics]
        events = webhook(lambda found, body: keep(engine, found, body), key=key, topics=arns)
    return mounted(application(Pages(engine, notifier, address)), events) if address or events is None else events


@contextmanager
def _background(work: Callable[[], None], stop: threading.Event) -> Iterator[None]:
    thread = threading.Thread(target=work, name="sweep", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)


def _sweep(sweep: Callable[[], None], stop: threading.Event) -> None:
    while not stop.wait(SWEEP_SECONDS):
        sweep()


def _swept(sweep: Callable[[], int], notifier: Notifier) -> None:
    """Takes up runs that nobody is at, and sends what is due: after a failure, quiet hours, or no acknowledgement."""
    sweep()
    try:
        parts.report(notifier.deliver())
    except parts.failures() as error:
        typer.echo(f"notify: {error}", err=True)
