"""A pretended outside world with one workflow and one action, for tests of the engine itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import told_events as told
from sakimori.aws.errors import Throttled
from sakimori.collect.events import heard
from sakimori.model.action import Mode, Plan, Proof, Step, Target
from sakimori.model.event import Event
from sakimori.respond import plugins
from sakimori.respond.book import Book
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.errors import Passing, RespondError
from sakimori.respond.keys import derived
from sakimori.respond.policy import Limits, Policy
from sakimori.respond.runs import ActionState, Run, RunState
from sakimori.respond.world import World
from sakimori.store.database import connect

SECRET = b"0123456789abcdef0123456789abcdef"


class Pretended:
    """Things that have a value and tags. The action `paint` makes a thing red; `applied` counts its effects by key."""

    IAM_ACTIONS = ("paint:Thing",)

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.things_tags: dict[str, dict[str, str]] = {}
        self.applied: Counter[str] = Counter()
        self.troubles: list[Exception] = []
        self.steps = 1
        self.proves = True

    # the action

    def tags(self, world: World, target: Target) -> dict[str, str]:
        return self.things_tags.get(target.uid, {})

    def before(self, world: World, target: Target) -> dict[str, Any]:
        return {"colour": self.values.get(target.uid, "white")}

    def would(self, target: Target, before: Mapping[str, Any]) -> dict[str, Any]:
        return {"colour": "red"}

    def apply(self, world: World, target: Target, before: Mapping[str, Any], key: str) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.applied[key] += 1
        self.values[target.uid] = "red"

    def verify(self, world: World, target: Target, before: Mapping[str, Any]) -> Proof:
        after = self.before(world, target)
        return Proof(self.proves, after, f"it is {after['colour']}")

    def undo(self, world: World, target: Target, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        self.values[target.uid] = before["colour"]

    # the workflow

    def subscribes(self, event: Event) -> bool:
        return event.product == "guardduty"

    def plan(self, event: Event, world: World) -> Plan:
        if self.troubles and isinstance(self.troubles[0], LookupError):
            raise RespondError(str(self.troubles.pop(0)))
        steps = tuple(
            Step("paint", Target("Thing", f"thing-{event.uid[:6]}-{number}", event.account), "because")
            for number in range(self.steps)
        )
        return Plan("paint", "it is white", steps)


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pretended]:
    world = Pretended()
    monkeypatch.setattr(plugins, "workflow_names", lambda: ["painter"])
    monkeypatch.setattr(plugins, "workflow", lambda name: world)
    monkeypatch.setattr(plugins, "action", lambda name: world)
    return world


@contextmanager
def opened_engine(
    place: str | Path, policy: Policy | None = None, owner: str = "test", home: Path | None = None
) -> Iterator[Engine]:
    """An engine over a new ledger."""
    database = connect(place)
    folder = home or Path(place).parent
    book = Book(database, derived(SECRET, "audit"), folder / "audit.head")
    no_clients = SimpleNamespace()
    try:
        yield Engine(book, World(lambda *_: no_clients), policy or Policy(Mode.AUTO), SECRET, owner)
    finally:
        database.dispose()


@pytest.fixture
def engine(tmp_path: Path, pretended: Pretended) -> Iterator[Engine]:
    """An engine in the mode auto, over a new ledger."""
    with opened_engine(tmp_path / "ledger.sqlite") as opened:
        yield opened


def event(number: int = 1, **options: Any) -> Event:
    """A finding that the painter acts on."""
    return heard(json.dumps(told.guardduty(number=number, **options)), "test").events[0]


def run_of(engine: Engine, told_event: Event) -> Run:
    """Takes the event and carries its run out."""
    for run in engine.take(told_event):
        engine.carry(run, Straight())
    return engine.book.runs()[0]


def waiting(engine: Engine) -> tuple[Run, str]:
    """A run that waits for a person, and the token that decides."""
    engine.policy = Policy(Mode.APPROVE)
    run = run_of(engine, event())
    assert run.state is RunState.WAITING
    return run, engine.token(run.id)


def act_again_under_a_limit_of_one(engine: Engine, pretended: Pretended, event: Event) -> None:
    """A step that is tried again is called with what was known when it was tried first, and counts once."""
    engine.policy = Policy(Mode.AUTO, limits=Limits(actions=1))
    [run] = engine.take(event)
    begun = engine.book.begin(run, engine.owner)
    assert begun is not None
    engine._plan(*begun)
    planned = engine.book.run(run)
    pretended.troubles = [Throttled("paint:Thing", "it", "Throttled", "slowly")]
    with pytest.raises(Passing):
        engine._act(planned, planned.actions[0])
    pretended.values[planned.actions[0].target.uid] = "red"  # it was done, and the answer was lost
    assert engine._act(planned, planned.actions[0]) == ActionState.DONE
    assert engine.book.run(run).actions[0].before == {"colour": "white"}
