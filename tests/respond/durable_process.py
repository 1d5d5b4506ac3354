"""A process that responds to a file of deliveries, and that a test kills: `durable_process.py LEDGER DELIVERIES URL`.

What has an effect outside is an HTTP server of the test, which counts: it outlives the process. What was handed over to
the engine is noted in `DELIVERIES.done`, as a queue would forget a message.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pretend import opened_engine

from sakimori.aws.errors import Unavailable
from sakimori.collect.events import heard
from sakimori.model.action import Mode, Plan, Proof, Step, Target
from sakimori.model.event import Event
from sakimori.respond import plugins
from sakimori.respond.durable import DurableEngine
from sakimori.respond.guard import Guard, Pace
from sakimori.respond.lines import LedgerLines
from sakimori.respond.policy import Limits, Policy
from sakimori.respond.world import World

PACE = Pace(rate=10_000, burst=10_000, attempts=6, first_pause=0.01, failures=10_000)


class Remote:
    """One workflow and one action on the test's server, which has things, their colours, and bad days."""

    IAM_ACTIONS = ("paint:Thing",)

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=2)
        self.guard = Guard(default=PACE)

    def _ask(self, method: str, path: str) -> str:
        def ask() -> str:
            try:
                answer = self.client.request(method, path)
            except httpx.HTTPError as error:
                raise Unavailable("paint:Thing", path, type(error).__name__, "") from error
            if answer.status_code != 200:
                raise Unavailable("paint:Thing", path, str(answer.status_code), "")
            return answer.text

        return self.guard.call("paint", "", ask)

    def tags(self, world: World, target: Target) -> dict[str, str]:
        return {}

    def before(self, world: World, target: Target) -> dict[str, Any]:
        return {"colour": self._ask("GET", f"/{target.uid}")}

    def would(self, target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
        return {"colour": "red"}

    def apply(self, world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
        self._ask("POST", f"/{target.uid}?key={key}")

    def verify(self, world: World, target: Target, before: Mapping[str, Any]) -> Proof:
        after = self.before(world, target)
        return Proof(after["colour"] == "red", after, "it is red")

    def subscribes(self, event: Event) -> bool:
        return event.product == "guardduty"

    def plan(self, event: Event, world: World) -> Plan:
        target = Target("Thing", f"{event.uid}-{event.revision.replace('/', '-').replace(':', '')}", event.account)
        return Plan("paint", "it is white", (Step("paint", target),))


def main(ledger: str, deliveries: str, url: str) -> None:
    remote = Remote(url)
    plugins.workflow_names = lambda: ["painter"]  # type: ignore[assignment]
    plugins.workflow = lambda name: remote  # type: ignore[assignment,return-value]
    plugins.action = lambda name: remote  # type: ignore[assignment,return-value]
    limits = Limits(actions=1_000_000, account_actions=1_000_000)
    done = Path(f"{deliveries}.done")
    with (
        opened_engine(
            ledger, Policy(Mode.AUTO, limits=limits), owner="listener", home=Path(deliveries).parent
        ) as engine,
        DurableEngine(engine, ledger, first_pause=0.05) as durable,
    ):
        remote.guard = Guard(default=PACE, lines=LedgerLines(engine.book.engine))
        durable.sweep()
        lines = Path(deliveries).read_text().splitlines()
        at = len(done.read_text()) if done.exists() else 0
        with done.open("a") as noted:
            for line in lines[at:]:
                for event in heard(line, "delivery").events:
                    engine.take(event)
                noted.write(".")
                noted.flush()
        while engine.book.unfinished("listener"):
            threading.Event().wait(0.1)
    print(json.dumps({"finished": time.time()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
