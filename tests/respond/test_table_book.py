"""The book in DynamoDB: the same as the book in the ledger, also where many write at once; its log cannot be edited."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tables_of
from pretend import SECRET, Pretended, act_again_under_a_limit_of_one, opened_engine, pretended

import told_events as told
from sakimori.aws.errors import AccessDenied, AwsError, Throttled
from sakimori.collect.events import heard
from sakimori.model.action import Mode
from sakimori.model.event import Event
from sakimori.respond.chain import Audited, Head
from sakimori.respond.dead import replay
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.errors import Busy, Passing, RespondError
from sakimori.respond.policy import Limits, Policy
from sakimori.respond.runs import RunState
from sakimori.respond.table import Table, head_of
from sakimori.respond.table_rows import keep, run_there
from sakimori.respond.undo import undo
from sakimori.respond.world import World
from sakimori.simulate.aws import SimulatedAws

__all__ = ["pretended"]


def event(number: int = 1, **options: Any) -> Event:
    return heard(json.dumps(told.guardduty(number=number, **options)), "test").events[0]


def engine_of(aws: SimulatedAws, policy: Policy | None = None, owner: str = "test", **more: Any) -> Engine:
    world = World(lambda *_: SimpleNamespace())
    return Engine(tables_of.table_book(aws, SECRET, **more), world, policy or Policy(Mode.AUTO), SECRET, owner)


@pytest.fixture
def engine(aws: SimulatedAws, pretended: Pretended) -> Engine:
    tables_of.make_table(aws)
    return engine_of(aws)


def carried(engine: Engine, told_event: Event) -> None:
    for run in engine.take(told_event):
        engine.carry(run, Straight())


# The same as the book in the ledger


class Story:
    """What one engine lives through, by the same steps as the other."""

    def __init__(self, engine: Engine, world: Pretended) -> None:
        self.engine, self.world = engine, world

    def step(self, name: str, number: int, revision: int) -> Any:
        try:
            return getattr(self, name)(number, revision)
        except (RespondError, Passing, Busy) as error:
            return type(error).__name__, str(error)

    def observe(self, *_: int) -> None:
        self.engine.policy = Policy(Mode.OBSERVE)

    def approve(self, *_: int) -> None:
        self.engine.policy = Policy(Mode.APPROVE, limits=Limits(actions=6, account_actions=9))

    def auto(self, *_: int) -> None:
        self.engine.policy = Policy(Mode.AUTO, limits=Limits(actions=6, account_actions=9))

    def hear(self, number: int, revision: int) -> None:
        carried(self.engine, event(number, updated=f"2026-11-25T09:0{revision}:00.000Z", count=revision + 1))

    def fail(self, number: int, revision: int) -> None:
        self.world.troubles = [AccessDenied("paint:Thing", "it", "AccessDenied", "no")]
        self.hear(number, revision)
        self.world.troubles = []

    def throttle(self, number: int, revision: int) -> None:
        self.world.troubles = [Throttled("paint:Thing", "it", "Throttling", "slow")]
        try:
            self.hear(number, revision)
        finally:
            self.world.troubles = []

    def go_on(self, *_: int) -> None:
        for run, _attempt in self.engine.book.unfinished(self.engine.owner):
            self.engine.carry(run, Straight())

    def decide(self, number: int, revision: int) -> None:
        waiting = self.engine.book.runs(RunState.WAITING)
        for run in sorted(waiting, key=lambda run: run.id)[:1]:
            decided = self.engine.decide(run.id, "kaede", approved=number % 2 == 0)
            if decided.state is RunState.CARRYING:
                self.engine.carry(run.id, Straight())

    def look(self, *_: int) -> None:
        mode = self.engine.policy.default
        for run in sorted(self.engine.book.runs(), key=lambda run: run.id)[:2]:
            self.engine.book.look_again(run.id, "kaede", self.engine.owner, mode)
            self.engine.carry(run.id, Straight())

    def undo(self, *_: int) -> Any:
        done = sorted(self.engine.book.done_by("painter"), key=lambda run: run.id)
        return [(each.undone, each.why) for run in done[:1] for each in undo(self.engine, run.id, "kaede")]

    def bury(self, number: int, revision: int) -> None:
        self.engine.book.bury("queue", f"unreadable {revision}", f"message {number} \ud800\0")

    def replay(self, *_: int) -> Any:
        before = len(self.engine.book.dead_letters())
        replay(self.engine, "all", "kaede")
        self.go_on()
        return before

    def listed(self) -> tuple[list[str], list[str]]:
        """The ids of runs and of dead letters, page by page, which are those of the whole lists."""
        book = self.engine.book
        runs: list[str] = []
        while page := book.runs(limit=2, before=runs[-1] if runs else ""):
            runs += [run.id for run in page]
        letters: list[str] = []
        while some := book.dead_letters(limit=2, before=letters[-1] if letters else ""):
            letters += [each.id for each in some]
        assert (book.runs(before="unknown"), book.dead_letters(before="unknown")) == ([], [])
        assert (runs, letters) == ([run.id for run in book.runs()], [each.id for each in book.dead_letters()])
        return runs, letters

    def told(self) -> Any:
        book = self.engine.book
        self.listed()
        runs = sorted((run.to_json() | {"created_at": "", "updated_at": ""} for run in book.runs()), key=str)
        letters = sorted(
            (each.id, each.place, each.reason, each.times, bool(each.replayed_at), each.size)
            for each in book.dead_letters(replayed=True)
        )
        bodies = [book.dead_letter(each[0])[1] for each in letters]
        entries = [(each.number, each.by, each.what, each.run_id, _timeless(each.body)) for each in book.entries()]
        return runs, letters, bodies, entries, book.audited(), self.world.values, dict(self.world.applied)


def _timeless(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("expires_at", "approval")}


STEPS = (
    "observe",
    "approve",
    "auto",
    "auto",
    "hear",
    "hear",
    "hear",
    "hear",
    "fail",
    "throttle",
    "go_on",
    "look",
    "decide",
    "decide",
    "undo",
    "bury",
    "replay",
)


@pytest.mark.parametrize("seed", range(6))
def test_it_is_what_the_book_in_the_ledger_is(
    seed: int, aws: SimulatedAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables_of.make_table(aws)
    steps = random.Random(seed)
    chosen = [(steps.choice(STEPS), steps.randrange(4), steps.randrange(2)) for _ in range(30)]
    with opened_engine(tmp_path / "ledger.sqlite") as in_ledger:
        stories = [Story(in_ledger, Pretended()), Story(engine_of(aws), Pretended())]
        for story in stories:
            story.world.steps = 1 + seed % 3
            monkeypatch.setattr("sakimori.respond.plugins.workflow_names", lambda: ["painter"])
        for name, number, revision in chosen:
            answers = []
            for story in stories:
                for what in ("workflow", "action"):
                    monkeypatch.setattr(f"sakimori.respond.plugins.{what}", lambda _, world=story.world: world)
                answers.append((story.step(name, number, revision), story.told()))
            assert answers[0] == answers[1], name


# Many at once, and killed in between


def test_many_at_once_have_one_effect_each_and_one_log(aws: SimulatedAws, engine: Engine, pretended: Pretended) -> None:
    engines = [engine_of(aws, owner=f"function-{number}") for number in range(6)]
    events = [event(number) for number in range(6)] * 6
    random.Random(1).shuffle(events)

    def handle(at: int) -> None:
        with suppress(Busy):
            carried(engines[at % 6], events[at])

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(handle, range(len(events))))
    for run, _ in engine.book.unfinished("nobody"):
        engine.carry(run, Straight())
    assert sorted(pretended.applied.values()) == [1] * 6
    assert {run.state for run in engine.book.runs()} == {RunState.DONE}
    assert engine.book.audited().broken == ""


def test_a_run_that_two_reach_for_at_the_same_moment_goes_to_one(engine: Engine) -> None:
    """The second reads before the first has written, and neither writes anything in the audit log."""
    (run,) = engine.book.enter(event(), [("pretend", Mode.AUTO)], "")
    book, table, taken = engine.book, engine.book.table, []
    get, reads = table.get, iter(range(1_000))

    def slow(pk: str, sk: str) -> Any:
        found = get(pk, sk)
        if pk.startswith("run#") and next(reads) == 0:
            taken.append(("quick", book.begin(run[0], "quick")))
        return found

    lease_ended(engine, run[0])
    table.get = slow
    taken.append(("slow", book.begin(run[0], "slow")))
    assert [owner for owner, found in taken if found] == ["quick"]


def lease_ended(engine: Engine, run: str) -> None:
    engine.book.table.alone(b"", lambda page: keep(page, replace(run_there(page, run), owner="", lease_until="")))


def test_a_table_that_an_older_version_has_written_goes_on(engine: Engine) -> None:
    book = engine.book
    book.note("somebody", "a note", "", {})
    number, digest = head_of(book.table.get("head", "head"))
    book.table.put("head", "head", number=number, hash=digest)
    book.enter(event(), [("pretend", Mode.AUTO)], "test")
    book.note("somebody", "another", "", {})
    assert book.audited() == Audited(2, "")


def test_a_limit_holds_however_many_are_at_it(aws: SimulatedAws, engine: Engine, pretended: Pretended) -> None:
    policy = Policy(Mode.AUTO, limits=Limits(actions=3))
    engines = [engine_of(aws, policy, owner=f"function-{number}") for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda number: carried(engines[number], event(number)), range(6)))
    assert pretended.applied.total() == 3
    assert sorted(str(run.state) for run in engine.book.runs()) == ["done"] * 3 + ["waiting for approval"] * 3


def test_an_action_that_is_tried_again_does_not_count_against_its_own_limit(
    engine: Engine, pretended: Pretended
) -> None:
    act_again_under_a_limit_of_one(engine, pretended, event())


@contextmanager
def dying(table: Table, after: int) -> Iterator[None]:
    """The process dies before its n-th write: nothing of that write, or of what would follow, is kept."""
    kept, writes = table._kept, iter(range(1_000))

    def killed(page: Any) -> bool:
        if next(writes) >= after:
            raise KeyboardInterrupt
        return kept(page)

    table._kept = killed  # type: ignore[method-assign]
    try:
        yield
    finally:
        table._kept = kept  # type: ignore[method-assign]


@pytest.mark.parametrize("after", range(7))
def test_killed_at_any_write_it_goes_on_and_has_one_effect(
    after: int, aws: SimulatedAws, engine: Engine, pretended: Pretended
) -> None:
    pretended.steps = 2
    told_event = event()
    with dying(engine.book.table, after), pytest.raises(KeyboardInterrupt):  # type: ignore[attr-defined]
        carried(engine, told_event)
    carried(engine, told_event)
    for run, _ in engine.book.unfinished("test"):
        engine.carry(run, Straight())
    assert [run.state for run in engine.book.runs()] == [RunState.DONE]
    assert set(pretended.values.values()) == {"red"}
    assert engine.book.audited().broken == ""


# The audit log


def test_an_edited_removed_or_shortened_log_is_known(aws: SimulatedAws, engine: Engine, tmp_path: Path) -> None:
    carried(engine, event())
    head = Head(tmp_path / "head")
    book = tables_of.table_book(aws, SECRET, head=head)
    whole = book.audited()
    assert (whole.broken, whole.entries > 3) == ("", True)
    dynamodb = aws.client("dynamodb")
    last = max(
        item["sk"]["S"] for item in dynamodb.scan(TableName=tables_of.NAME)["Items"] if item["pk"]["S"] == "audit"
    )
    entry = dynamodb.get_item(TableName=tables_of.NAME, Key={"pk": {"S": "audit"}, "sk": {"S": last}})["Item"]

    dynamodb.put_item(TableName=tables_of.NAME, Item=entry | {"by": {"S": "nobody"}})
    assert "is not what was written" in book.audited().broken
    dynamodb.delete_item(TableName=tables_of.NAME, Key={"pk": {"S": "audit"}, "sk": {"S": last}})
    assert "its end is gone" in book.audited().broken
    before = book.entries()[-1].number
    rows = list(book.table.query("audit"))
    at = {"pk": {"S": "head"}, "sk": {"S": "head"}}
    dynamodb.put_item(
        TableName=tables_of.NAME, Item=at | {"number": {"N": str(before)}, "hash": {"S": rows[-1]["hash"]}}
    )
    assert tables_of.table_book(aws, SECRET).audited().broken == "", "the head was put back too"
    assert "its end is gone" in book.audited().broken, "but this machine has seen a newer one"


def test_a_table_that_is_not_there_is_said(aws: SimulatedAws) -> None:
    with pytest.raises(AwsError, match=r"dynamodb:Query on sakimori-test: ResourceNotFoundException"):
        tables_of.table_book(aws, SECRET).runs()
