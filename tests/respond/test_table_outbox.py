"""The outbox in DynamoDB does what the one in the ledger does, whatever happens to messages."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tables_of

from sakimori.model.severity import Severity
from sakimori.notify.asking import Links, NoAsks, Seen
from sakimori.notify.errors import NotifyError
from sakimori.notify.ledger_outbox import LedgerOutbox
from sakimori.notify.message import Message
from sakimori.notify.outbox import STUCK, Entry, Outbox, State
from sakimori.notify.quiet import quiet
from sakimori.notify.routes import Route
from sakimori.notify.sender import People, Sender
from sakimori.notify.signing import Signer
from sakimori.respond.table import Table
from sakimori.respond.table_outbox import MOST_IN_A_DIGEST, TableOutbox
from sakimori.simulate.aws import SimulatedAws
from sakimori.store.database import connect

LINKS = Links(Signer((b"k" * 32,)))
NIGHT = quiet("r", {"quiet": ["22:00-07:00"], "time_zone": "Asia/Tokyo", "quiet_passes": "critical"})
MIDNIGHT = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""It is midnight in Tokyo."""
HOUR = timedelta(hours=1)

ROUTES = [
    Route("team", "slack", Severity.LOW, quiet=NIGHT, acknowledge_minutes=30, escalate_to="oncall"),
    Route("oncall", "smtp", Severity.HIGH, otherwise=False, acknowledge_minutes=60, escalate_to="boss"),
    Route("boss", "slack", Severity.CRITICAL, quiet=NIGHT, person="Akari"),
    Route("tickets", "jira", Severity.MEDIUM),
    Route("payments", "teams", Severity.LOW, owners=("payments",)),
    Route("rest", "slack", Severity.LOW, tags=("nobody",), otherwise=True),
]


class Killed(BaseException):
    """The process is killed."""


@dataclass
class World:
    """What goes wrong, the same for both; and who still waits."""

    fail: str = ""
    open: set[str] = field(default_factory=set)


class Asking(NoAsks):
    def __init__(self, world: World) -> None:
        self.world = world

    def is_open(self, message: Message) -> bool:
        return message.about in self.world.open


class Recorder(Sender):
    """Sends to nobody, keeps what it would have sent, and fails as it is told."""

    def __init__(self, waiting: Outbox, world: World, routes: list[Route] = ROUTES) -> None:
        super().__init__(waiting, routes, LINKS, People({"payments": "Kaede"}), Asking(world))
        self.world, self.sent = world, list[Any]()

    def told(self, route: Route, message: Message) -> str | None:
        keys = sorted(each.key for each in message.items) if message.items else message.key
        facts = {name: value for name, value in message.facts.items() if name != "digest"}
        self.sent.append((route.name, keys, facts, message.reference))
        if self.world.fail == "killed":
            raise Killed
        if self.world.fail:
            raise NotifyError("no", passing=True, wait=90, perhaps=self.world.fail == "perhaps")
        return f"REF-{message.about}" if route.channel == "jira" else None

    def state(self) -> list[Any]:
        """What is in the outbox, without what each store numbers in its own way."""

        def plain(each: Entry) -> tuple[Any, ...]:
            key = "" if each.kind == "digest" else each.key
            way = (each.route, key, each.about, str(each.state), each.tries, each.why, each.next_at, each.reference)
            return (*way, each.escalate_at, each.acknowledged_by, bool(each.digest))

        return sorted(map(plain, self.log(limit=10_000)))


def waiting_for(about: str, number: int, severity: Severity = Severity.HIGH, **more: Any) -> Message:
    facts = {"workflow": "guardduty", "decision": "close", "reason": "because", "run": about}
    target = f"arn:aws:s3:::{about}"
    return Message(
        "run-waiting", f"{about}/{number}/run-waiting", severity, "1", target, "", facts, about=about, **more
    )


@pytest.fixture
def table(aws: SimulatedAws) -> Table:
    tables_of.make_table(aws)
    return Table(aws.client("dynamodb"), tables_of.NAME)


def tags_of(asset: str) -> dict[str, str]:
    return {"owner": "payments"} if asset.endswith(("run-1", "run-3")) else {}


@pytest.mark.parametrize("seed", range(5))
def test_both_outboxes_send_the_same(table: Table, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance, world, now = random.Random(seed), World(), MIDNIGHT + 5 * HOUR
    ledger = LedgerOutbox(connect(tmp_path / "ledger.sqlite"))
    both = [Recorder(ledger, world), Recorder(TableOutbox(table, tags_of), world)]
    monkeypatch.setattr("sakimori.store.assets.tags_of", lambda _, uids: {uid: tags_of(uid) for uid in uids})

    def at_both(do: Callable[[Recorder], object]) -> None:
        for each in both:
            with suppress(Killed):
                do(each)

    for step in range(30):
        now += timedelta(seconds=chance.choice([7, 61, 240, 700, 3_000, 9_000]))
        world.fail = chance.choice(["", "", "", "", "no", "perhaps", "killed"])
        about, severity = f"run-{chance.randrange(6)}", chance.choice([Severity.LOW, Severity.HIGH, Severity.CRITICAL])
        message = waiting_for(about, chance.randrange(3), severity)
        what = chance.choice(["send", "send", "send", "deliver", "deliver", "again", "seen", "decided"])
        if what == "send":
            world.open.add(about)
            at_both(partial(Recorder.send, message=message, now=now))
        elif what == "seen":
            token = LINKS.acknowledge(Seen(chance.choice(ROUTES).name, message.key, ""), "en").split()[-1]
            at_both(partial(Recorder.acknowledge, token=token, by="Kaede"))
        else:
            world.open -= {about} if what == "decided" else set()
            at_both(partial(Recorder.deliver, now=now, again=what == "again"))
        assert both[0].sent == both[1].sent, (step, what)
        assert both[0].state() == both[1].state(), (step, what)
    assert len(both[0].sent) > 20
    ledger.engine.dispose()


def test_a_message_that_two_functions_want_to_send_goes_once(table: Table) -> None:
    world = World(fail="no")
    one, two = Recorder(TableOutbox(table), world, ROUTES[1:2]), Recorder(TableOutbox(table), world, ROUTES[1:2])
    one.send(waiting_for("run-1", 1), MIDNIGHT)
    world.fail, later = "", MIDNIGHT + HOUR
    [entry] = two.outbox.alone(lambda page: page.due("oncall", later))
    assert [each.why for each in one.deliver(later)] == [""]
    assert two.outbox.alone(lambda page: page.claim(entry, later)) is None
    assert two.deliver(later) == []


def test_what_was_being_sent_when_its_function_died_says_so(table: Table) -> None:
    world = World(fail="killed")
    one = Recorder(TableOutbox(table), world, ROUTES[1:2])
    with pytest.raises(Killed):
        one.send(waiting_for("run-1", 1), MIDNIGHT)
    world.fail = ""
    assert one.deliver(MIDNIGHT + STUCK / 2) == []
    one.deliver(MIDNIGHT + STUCK * 2)
    assert [facts.get("perhaps") for _, _, facts, _ in one.sent] == [None, "yes"]


def test_a_night_of_many_messages_is_sent_as_digests_of_which_each_fits_a_transaction(table: Table) -> None:
    one = Recorder(TableOutbox(table), World(), ROUTES[:1])
    one.routes = [replace(ROUTES[0], escalate_to="", acknowledge_minutes=0)]
    many = MOST_IN_A_DIGEST + 3
    for number in range(many):
        assert one.send(waiting_for(f"run-{number}", 1), MIDNIGHT + timedelta(seconds=number)) == []
    for beat in range(3):
        one.deliver(MIDNIGHT + 8 * HOUR + beat * timedelta(minutes=5))
    assert [len(keys) for _, keys, _, _ in one.sent] == [MOST_IN_A_DIGEST, 3]
    assert {each.state for each in one.log(limit=1_000)} == {State.SENT}


def test_what_an_older_function_has_told_is_not_told_again(table: Table) -> None:
    one = Recorder(TableOutbox(table), World(), ROUTES[1:2])
    message = waiting_for("run-1", 1)
    table.put("told", f"{message.key}@oncall", at="2026-11-25T00:00:00Z")
    assert one.send(message, MIDNIGHT) == []
    assert one.log() == []
