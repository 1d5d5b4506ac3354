"""The drill: a canary through every route, and who has seen it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import typer

from sakimori.model.said import say

if TYPE_CHECKING:
    from sakimori.notify.message import Message
    from sakimori.notify.notifier import Notifier
    from sakimori.notify.routes import Route

LOOK_EVERY = 0.5
"""Seconds between looks at our own ledger."""

ASK_EVERY = 5.0
"""Seconds between questions to a channel that shows by itself what arrived."""


def drilled(notifier: Notifier, wait: float, only: list[str]) -> list[dict[str, Any]]:
    """Sends the canaries, waits for them, and keeps what it shows. Raises typer.BadParameter for what is no route."""
    unknown = [name for name in only if name not in {route.name for route in notifier.routes}]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is no route of sakimori.toml", param_hint="--route")
    canaries = notifier.drill(only)
    for route, _, why in canaries:
        typer.echo(f"{route.name}: {'not sent' if why else 'sent, waiting'}", err=True)
    pending = _waited(notifier, [(route, canary) for route, canary, why in canaries if not why], wait)
    rows = []
    for route, canary, why in canaries:
        reason = why or pending.get(route.name, "")
        trouble = notifier.conclude(route, canary, reason)
        if trouble:
            typer.echo(f"{route.name}: its canary stays there: {trouble}", err=True)
        rows.append({"route": route.name, "alive": not reason, "why": reason})
    return rows


def _waited(notifier: Notifier, canaries: list[tuple[Route, Message]], wait: float) -> dict[str, str]:
    """The routes whose canary nobody has seen in time, with the reason."""
    deadline, asked_at = time.monotonic() + wait, 0.0
    pending = {route.name: (route, canary) for route, canary in canaries}
    why: dict[str, str] = {}
    while pending:
        ask = time.monotonic() - asked_at >= ASK_EVERY
        asked_at = time.monotonic() if ask else asked_at
        for name, (route, canary) in list(pending.items()):
            seen, trouble = notifier.answered(route, canary, ask=ask)
            why[name] = trouble or why.get(name, "")
            if seen:
                del pending[name]
        if time.monotonic() >= deadline:
            break
        threading.Event().wait(min(LOOK_EVERY, max(deadline - time.monotonic(), 0.0)))
    nobody = say("nobody acknowledged it within {seconds} seconds", seconds=f"{wait:.0f}")
    return {name: why[name] or nobody for name in pending}
