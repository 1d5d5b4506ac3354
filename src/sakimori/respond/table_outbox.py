"""The outbox in a table of DynamoDB, for functions that have no ledger; see `notify/outbox.py`.

`outbox` holds what is to be sent, or waits for somebody to acknowledge it: few. `told` holds what is over, by which
each message goes once; `reference` what a channel calls a thing that it was told of.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import msgspec

from sakimori.notify import outbox
from sakimori.notify.message import Message
from sakimori.notify.outbox import IN_THE_WAY, Entry, State, after_failure, digest, message_of, new_entry, stamp
from sakimori.notify.routes import Route
from sakimori.respond.table import Item, Page, Table
from sakimori.store.text import storable

T = TypeVar("T")

WAITING, OVER, REFERENCES = "outbox", "told", "reference"
MOST_IN_A_DIGEST, MOST_ESCALATED = 40, 25
"""Messages: each is two or three writes, and a transaction of DynamoDB has at most a hundred ("TransactWriteItems").
The others have their turn next time."""

TagsOf = Callable[[str], Mapping[str, str]]
"""Gives what is known of the tags of an asset."""


def no_tags(_: str) -> Mapping[str, str]:
    """Where nothing is known of assets."""
    return {}


class TableOutbox:
    """The outbox in this table."""

    def __init__(self, table: Table, tags_of: TagsOf = no_tags) -> None:
        self.table, self._tags_of = table, tags_of

    def alone(self, do: Callable[[outbox.Page], T]) -> T:
        """See Outbox."""
        return self.table.alone(b"", lambda page: do(TablePage(page, self._tags_of)))

    def log(self, route: str = "", state: str = "", digest: str = "", limit: int = 100) -> list[Entry]:
        """See Outbox."""
        found = [entry for place in (WAITING, OVER) for item in self.table.query(place) if (entry := opened(item))]
        wanted = [
            entry
            for entry in found
            if route in ("", entry.route) and state in ("", entry.state) and digest in ("", entry.digest)
        ]
        return sorted(wanted, key=lambda entry: entry.number, reverse=True)[:limit]


class TablePage:
    """The outbox in a transaction of the table. See outbox.Page."""

    def __init__(self, page: Page, tags_of: TagsOf) -> None:
        self._page, self._tags_of, self._last = page, tags_of, 0

    def enter(self, route: str, message: Message, state: State, now: datetime, news: str = "") -> bool:
        """See Page. Numbers are microseconds since 1970 by our clock."""
        self._last = max(self._last + 1, time.time_ns() // 1_000)
        entry = new_entry(route, message, state, now, self._last, news)
        if any(self._page.get(place, _key(place, entry)) for place in (WAITING, OVER)):
            return False
        self._put(entry)
        return True

    def due(self, route: str, now: datetime, *, again: bool = False) -> list[Entry]:
        """See Page."""
        waiting = self._waiting(route)
        first: dict[str, Entry] = {}
        for entry in waiting:
            if entry.state in IN_THE_WAY and entry.about:
                first.setdefault(entry.about, entry)
        given_up = [entry for entry in self._over() if entry.route == route] if again else []
        ready = [entry for entry in (*waiting, *given_up) if entry.is_due(now, again=again)]
        return [entry for entry in ready if _order(entry) <= _order(first.get(entry.about, entry))]

    def claim(self, entry: Entry, now: datetime) -> Message | None:
        """See Page."""
        current = self._now(entry)
        if current is None or (current.state, current.at) != (entry.state, entry.at):
            return None
        message = outbox.to_send(entry)
        text = outbox.written(message)
        self._put(replace(entry, state=State.SENDING, tries=entry.tries + 1, at=stamp(now), message=text), entry)
        return message

    def delivered(self, entry: Entry, reference: str, escalate_at: str, now: datetime) -> None:
        """See Page."""
        before = self._now(entry) or entry
        at, reference = stamp(now), storable(reference) or before.reference
        done = replace(before, state=State.SENT, why="", at=at, next_at="", escalate_at=escalate_at)
        self._put(replace(done, reference=reference), before)
        if reference and entry.about:
            self._page.put(REFERENCES, f"{entry.route}#{entry.about}", reference=reference)
        for each in self._inside(entry):
            self._put(replace(each, state=State.SENT, at=at), each)

    def failed(self, entry: Entry, message: Message, why: str, wait: float, now: datetime) -> bool:
        """See Page."""
        before = self._now(entry) or replace(entry, tries=entry.tries + 1)
        after = after_failure(before, message, why, wait, now)
        self._put(after, before)
        return after.state is State.GIVEN_UP

    def reference_of(self, route: str, about: str) -> str:
        """See Page."""
        item = self._page.get(REFERENCES, f"{route}#{about}") if about else None
        return str(item["reference"]) if item else ""

    def held(self, route: str) -> list[Entry]:
        """See Page; as many as make one digest."""
        return [entry for entry in self._waiting(route) if entry.state is State.HELD][:MOST_IN_A_DIGEST]

    def release(self, entry: Entry, now: datetime) -> None:
        """See Page."""
        self._put(replace(entry, state=State.DUE, at=stamp(now)), entry)

    def gather(self, route: str, entries: Sequence[Entry], now: datetime) -> None:
        """See Page."""
        message = digest(route, entries, now)
        self.enter(route, message, State.DUE, now)
        for each in entries:
            self._put(replace(each, state=State.IN_DIGEST, digest=message.key, at=stamp(now)), each)

    def unheard(self, now: datetime) -> list[Entry]:
        """See Page."""
        over = [each for each in self._all() if each.state is State.SENT and each.escalate_at <= stamp(now)]
        return sorted(over, key=_order)[:MOST_ESCALATED]

    def settle(self, entry: Entry) -> None:
        """See Page."""
        self._put(replace(entry, escalate_at=""), entry)

    def acknowledge(self, news: str, by: str, now: datetime) -> None:
        """See Page."""
        seen = [each for each in (*self._all(), *self._over(f"{news}@"), *self._over(f"{news}/")) if each.news == news]
        for each in [one for entry in seen for one in (entry, *self._inside(entry))]:
            if not each.acknowledged_at:
                at, who = stamp(now), storable(by)
                self._put(replace(each, acknowledged_at=at, acknowledged_by=who, escalate_at=""), each)

    def tags_of(self, assets: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        """See Page."""
        return {each: self._tags_of(each) for each in assets}

    def finding_is_open(self, uid: str) -> bool:
        """See Page. Functions tell of runs, and not of findings."""
        return False

    def route_is_dead(self, route: Route, why: str, now: datetime) -> None:
        """See Page. What was given up is in the log of messages, and counted by the function."""

    def _waiting(self, route: str) -> list[Entry]:
        return sorted((entry for entry in self._all(f"{route}#") if entry.route == route), key=_order)

    def _all(self, prefix: str = "") -> Iterator[Entry]:
        return _entries(self._page, WAITING, prefix)

    def _over(self, prefix: str = "") -> Iterator[Entry]:
        return _entries(self._page, OVER, prefix)

    def _inside(self, entry: Entry) -> list[Entry]:
        """What is in a digest."""
        if entry.kind != "digest":
            return []
        keys = [f"{item.key}@{entry.route}" for item in message_of(entry).items]
        found = [opened(item) for key in keys if (item := self._page.get(OVER, key))]
        return [each for each in found if each is not None and each.digest == entry.key]

    def _now(self, entry: Entry) -> Entry | None:
        """The entry as it is kept now."""
        places = (self._page.get(place, _key(place, entry)) for place in (WAITING, OVER))
        return next((opened(item) for item in places if item), None)

    def _put(self, entry: Entry, before: Entry | None = None) -> None:
        place = _place(entry)
        if before is not None and _place(before) != place:
            self._page.delete(_place(before), _key(_place(before), before))
        self._page.put(place, _key(place, entry), body=zlib.compress(msgspec.json.encode(entry)))


def _entries(page: Page, place: str, prefix: str) -> Iterator[Entry]:
    for item in page.query(place, since=prefix):
        if not str(item["sk"]).startswith(prefix):
            return
        entry = opened(item)
        if entry is not None:
            yield entry


def opened(item: Item) -> Entry | None:
    """The entry of an item; None for what an older version has told, of which it kept the key alone."""
    return msgspec.json.decode(zlib.decompress(bytes(item["body"])), type=Entry) if "body" in item else None


def _place(entry: Entry) -> str:
    waits = entry.state in (*IN_THE_WAY, State.HELD) or entry.escalate_at
    return WAITING if waits else OVER


def _key(place: str, entry: Entry) -> str:
    """By route what waits, so that a route's is found; by key what is over."""
    return f"{entry.route}#{entry.key}" if place == WAITING else f"{entry.key}@{entry.route}"


def _order(entry: Entry) -> tuple[int, str]:
    return entry.number, entry.key
