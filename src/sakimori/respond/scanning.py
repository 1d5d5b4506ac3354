"""Scans through the protection manager: started once, and done when the date of the last scan has moved on."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from sakimori.model.action import Proof, Target
from sakimori.model.said import say
from sakimori.respond.protection import ask, computer_of
from sakimori.respond.world import World

LOOK_EVERY = 1.0


def before(world: World, target: Target, kind: Any) -> dict[str, Any]:
    """When it was scanned last, in milliseconds since 1970; 0 for never."""
    computer = computer_of(target)
    return {"last_scan": ask(world, lambda client: kind.date(client, computer))}


def would(kind: Any) -> dict[str, Any]:
    """What a scan comes to."""
    return {"last_scan": "now", "task": kind.type}


def apply(world: World, target: Target, was: Mapping[str, Any], key: str, kind: Any) -> None:
    """Starts the scan, unless it was started already: by its name while it runs, by its date when it has ended."""
    from sakimori.protect import client_tasks

    computer, name = computer_of(target), f"Sakimori {key}"
    criterion = {"fieldName": "name", "stringTest": "equal", "stringValue": name, "stringWildcards": False}
    known = ask(world, lambda client: list(client.search("scheduledtasks", [criterion], many="scheduledTasks")))
    if any(each.get("name") == name for each in known):
        return
    date = ask(world, lambda client: kind.date(client, computer))  # asked last: a task goes when it has ended
    if date <= was["last_scan"]:
        ask(world, lambda client: client_tasks.start(client, kind, computer, name=name))


def verify(world: World, target: Target, was: Mapping[str, Any], kind: Any) -> Proof:
    """Waits until the date moves on."""
    computer, deadline = computer_of(target), time.monotonic() + world.patience
    while True:
        date = ask(world, lambda client: kind.date(client, computer))
        if date > was["last_scan"]:
            return Proof(True, {"last_scan": date}, say("the {scan} has ended: its date has moved on", scan=kind.says))
        if time.monotonic() >= deadline:
            why = say(
                "the {scan} did not end within {seconds} seconds: look whether the agent is on-line",
                scan=kind.says,
                seconds=f"{world.patience:.0f}",
            )
            return Proof(False, {"last_scan": date}, why)
        threading.Event().wait(min(LOOK_EVERY, world.patience))
