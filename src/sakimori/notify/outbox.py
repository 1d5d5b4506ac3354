"""The outbox: what is to be sent is entered before it is sent, and stays until it was; killed at any moment, nothing
is lost.

    DUE -> SENDING -> SENT             and SENT is what is acknowledged, or goes to the next route
    SENDING -> FAILED -> SENDING ...   with growing pauses, TRIES times in all; then GIVEN_UP
    HELD -> DUE, or IN_DIGEST          when the quiet hours are over

A message that is SENDING while its process is killed is sent again after STUCK, under the same key, and so is one that
was sent and not answered: it may then arrive twice, but not never, and the second one says so (the fact `perhaps`).

Where it is kept is up to a `Page`: `ledger_outbox.py` keeps it in the ledger, `respond/table_outbox.py` in a table of
DynamoDB. `Outbox` gives pages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeVar

import msgspec

from sakimori.notify.message import Message
from sakimori.notify.routes import Route
from sakimori.store.text import storable, storable_json

T = TypeVar("T")

TRIES = 24
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 4, 16, 60))
"""After each failure; the last one from then on: 24 tries take most of a day."""

LONGEST_PAUSE = timedelta(days=1)
STUCK = timedelta(minutes=4)
"""After this long, a message that is still being sent was being sent by a process that is no more. SNS remembers for
five minutes which messages a FIFO topic has (Publish, MessageDeduplicationId)."""


class State(StrEnum):
    """Where a message stands on a route."""

    DUE = "due"
    HELD = "held"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    GIVEN_UP = "given up"
    IN_DIGEST = "in a digest"


IN_THE_WAY = (State.DUE, State.SENDING, State.FAILED)
"""What later news of the same thing waits for."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message on a route. Times are ISO 8601 text in UTC, "" for never; `number` is the order in which they came up,
    `news` the key without its escalations, `message` the message as JSON, `reference` what the channel calls it,
    `digest` the key of the digest that it is in."""

    route: str
    key: str
    number: int
    kind: str
    about: str
    news: str
    severity: int
    state: State
    at: str
    message: str
    tries: int = 0
    why: str = ""
    next_at: str = ""
    reference: str = ""
    digest: str = ""
    escalate_at: str = ""
    acknowledged_at: str = ""
    acknowledged_by: str = ""

    def is_due(self, now: datetime, *, again: bool = False) -> bool:
        """Whether it is to be sent now; with `again` also if it has to wait, or was given up."""
        if self.state in (State.FAILED, State.GIVEN_UP):
            return again or (self.state is State.FAILED and self.next_at <= stamp(now))
        return self.state is State.DUE or (self.state is State.SENDING and self.at < stamp(now - STUCK))


class Page(Protocol):
    """The outbox in one transaction: it happens as a whole or not at all."""

    def enter(self, route: str, message: Message, state: State, now: datetime, news: str = "") -> bool:
        """Enters a message for a route, once; whether it is new there."""
        ...

    def due(self, route: str, now: datetime, *, again: bool = False) -> list[Entry]:
        """What is to be sent by a route now, the oldest first; with `again` also what has to wait, or was given up.

        Of what is about the same thing only the oldest: a ticket is not closed before it is made.
        """
        ...

    def claim(self, entry: Entry, now: datetime) -> Message | None:
        """Enters that this process sends it; gives what is to be sent, None if another process was quicker."""
        ...

    def delivered(self, entry: Entry, reference: str, escalate_at: str, now: datetime) -> None:
        """Enters that it was sent; with a digest so was all that is in it."""
        ...

    def failed(self, entry: Entry, message: Message, why: str, wait: float, now: datetime) -> bool:
        """Enters that it was not sent, and what is to be sent the next time; whether it is given up."""
        ...

    def reference_of(self, route: str, about: str) -> str:
        """What a route's channel called this when it was told of it before."""
        ...

    def held(self, route: str) -> list[Entry]:
        """What waits for the end of the quiet hours, the oldest first."""
        ...

    def release(self, entry: Entry, now: datetime) -> None:
        """One that was held is to be sent by itself."""
        ...

    def gather(self, route: str, entries: Sequence[Entry], now: datetime) -> None:
        """Those that were held become one digest, the worst first, which is to be sent."""
        ...

    def unheard(self, now: datetime) -> list[Entry]:
        """What nobody has acknowledged in time."""
        ...

    def settle(self, entry: Entry) -> None:
        """It is not escalated any more."""
        ...

    def acknowledge(self, news: str, by: str, now: datetime) -> None:
        """Enters that somebody has seen it: on every route that it went, and with a digest all that is in it."""
        ...

    def tags_of(self, assets: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        """The tags that are known of these assets."""
        ...

    def finding_is_open(self, uid: str) -> bool:
        """Whether nobody is at the finding."""
        ...

    def route_is_dead(self, route: Route, why: str, now: datetime) -> None:
        """Keeps that a route does not work."""
        ...


class Outbox(Protocol):
    """Where messages wait. `alone` gives what `do` makes of a page; `do` may be called several times."""

    def alone(self, do: Callable[[Page], T]) -> T: ...

    def log(self, route: str = "", state: str = "", digest: str = "", limit: int = 100) -> list[Entry]:
        """What was sent and is to be sent, the newest first."""
        ...


def stamp(at: datetime) -> str:
    """The time as the outbox writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def new_entry(route: str, message: Message, state: State, now: datetime, number: int, news: str = "") -> Entry:
    """A message as it is entered."""
    news, severity = news or message.key, int(message.severity)
    return Entry(
        route, message.key, number, message.kind, message.about, news, severity, state, stamp(now), written(message)
    )


def message_of(entry: Entry) -> Message:
    """The message as it was entered; half surrogate pairs, which findings may hold, stay what they are."""
    return msgspec.convert(json.loads(entry.message), Message)


def written(message: Message) -> str:
    """See `message_of`."""
    return storable_json(msgspec.to_builtins(message))


def to_send(entry: Entry) -> Message:
    """What is to be sent of an entry that is due."""
    return perhaps(message_of(entry)) if entry.state == State.SENDING else message_of(entry)


def perhaps(message: Message) -> Message:
    """The message as one that may have arrived before, and says so."""
    return replace(message, facts={**message.facts, "perhaps": "yes"})


def after_failure(entry: Entry, message: Message, why: str, wait: float, now: datetime) -> Entry:
    """The entry when it was not sent; `wait` is for how many seconds the other side wants to be left alone."""
    pause = max(PAUSES[min(entry.tries, len(PAUSES)) - 1], timedelta(seconds=min(wait, LONGEST_PAUSE.total_seconds())))
    state = State.GIVEN_UP if entry.tries >= TRIES else State.FAILED
    at, next_at = stamp(now), stamp(now + pause)
    return replace(entry, state=state, why=storable(why), at=at, next_at=next_at, message=written(message))


def digest(route: str, entries: Sequence[Entry], now: datetime) -> Message:
    """One message of several, the worst first."""
    key = f"digest-{entries[0].number}-{entries[-1].number}"
    ranked = sorted(entries, key=lambda entry: (-entry.severity, entry.number))
    items = tuple(replace(message_of(entry), subject=None) for entry in ranked)
    facts = {"count": str(len(items)), "digest": key}
    return Message("digest", key, items[0].severity, "", route, "sakimori notify", facts, at=stamp(now), items=items)
