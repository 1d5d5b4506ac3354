"""What the tests of workflows have in common: an event into a plan, and a plan into a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import accounts
from trend_stub import INSTANCE, Trend

import told_events as told
from sakimori.collect.events import heard
from sakimori.model.action import Mode, Plan
from sakimori.model.event import Event
from sakimori.model.said import Said
from sakimori.respond import plugins
from sakimori.respond.book import Book
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.keys import derived
from sakimori.respond.policy import Policy
from sakimori.respond.runs import Run, sentences
from sakimori.respond.world import World
from sakimori.simulate.aws import SimulatedAws
from sakimori.store.database import connect

SCANS = {"recommendation": 1_000, "integrity": 0, "malware": 0}
RECOMMEND = ["recommendation-scan", "apply-recommendations"]


def event(document: Any) -> Event:
    found = heard(json.dumps(document), "test")
    assert found.refusals == []
    return found.events[0]


def plan(name: str, document: Any, world: World) -> Plan:
    told_event = event(document)
    module = plugins.workflow(name)
    assert module.subscribes(told_event)
    found: Plan = module.plan(told_event, world)
    unsaid = [each for each in sentences(found) if not isinstance(each, Said) and not each.isupper()]  # NON_COMPLIANT
    assert unsaid == [], "a workflow says its sentences with `say`, so that they are told in Japanese, too"
    return found


def steps(found: Plan) -> list[str]:
    return [step.action for step in found.steps]


def on_instance(kind: str, instance: str = INSTANCE) -> dict[str, Any]:
    return told.guardduty(kind, resource=told.instance_resource(instance))


def real_instance(aws: SimulatedAws, trend: Trend, kind: str) -> dict[str, Any]:
    instance = accounts.make_instance(aws)
    trend.instance = instance
    return on_instance(kind, instance)


class engine_of:
    """An engine in the mode auto over a new ledger."""

    def __init__(self, world: World, folder: Path) -> None:
        self.database = connect(folder / "ledger.sqlite")
        secret = b"x" * 32
        book = Book(self.database, derived(secret, "audit"), folder / "head")
        self.engine = Engine(book, world, Policy(Mode.AUTO), secret, "test")

    def __enter__(self) -> Engine:
        return self.engine

    def __exit__(self, *_: object) -> None:
        self.database.dispose()


def carry(engine: Engine, told_event: Event) -> Run:
    [run] = [run for run in engine.take(told_event)]
    engine.carry(run, Straight())
    return engine.book.run(run)


def carried(world: World, folder: Path, name: str, document: Any) -> Run:
    with engine_of(world, folder) as engine:
        engine.only = frozenset((name,))
        return carry(engine, event(document))


def on_trends_instance(document: dict[str, Any], instance: str = INSTANCE) -> dict[str, Any]:
    document["detail"]["resources"][0]["id"] = instance
    return document
