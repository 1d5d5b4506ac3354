"""The outbox in the ledger's database; see `outbox.py` for what each method of a page does."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, or_, select, update

from sakimori.notify import drills
from sakimori.notify.message import Message
from sakimori.notify.outbox import (
    IN_THE_WAY,
    STUCK,
    Entry,
    Page,
    State,
    after_failure,
    digest,
    message_of,
    new_entry,
    stamp,
    to_send,
    written,
)
from sakimori.notify.routes import Route
from sakimori.notify.tables import sent
from sakimori.store import assets, findings
from sakimori.store.database import insert_new, reading, writing
from sakimori.store.findings import Status
from sakimori.store.text import storable

T = TypeVar("T")


class LedgerOutbox:
    """The outbox in an open ledger's database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def alone(self, do: Callable[[Page], T]) -> T:
        """See Outbox."""
        with writing(self.engine) as connection:
            return do(LedgerPage(connection))

    def log(self, route: str = "", state: str = "", digest: str = "", limit: int = 100) -> list[Entry]:
        """See Outbox."""
        query = select(sent).order_by(sent.c.number.desc()).limit(limit)
        for column, wanted in ((sent.c.route, route), (sent.c.state, state), (sent.c.digest, digest)):
            query = query.where(column == wanted) if wanted else query
        with reading(self.engine) as connection:
            return entries(connection.execute(query))


class LedgerPage:
    """The outbox in a transaction of the ledger."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def enter(self, route: str, message: Message, state: State, now: datetime, news: str = "") -> bool:
        """See Page."""
        number = (self.connection.execute(select(func.max(sent.c.number))).scalar() or 0) + 1
        entry = new_entry(route, message, state, now, number, news)
        return bool(self.connection.execute(insert_new(self.connection, sent), asdict(entry)).rowcount)

    def due(self, route: str, now: datetime, *, again: bool = False) -> list[Entry]:
        """See Page."""
        c, text = sent.c, stamp(now)
        ready: ColumnElement[bool] = or_(
            c.state == State.DUE,
            (c.state == State.FAILED) & (c.next_at <= text),
            (c.state == State.SENDING) & (c.at < stamp(now - STUCK)),
        )
        if again:
            ready = or_(ready, c.state.in_((State.FAILED, State.GIVEN_UP)))
        query = select(sent).where(c.route == route, c.message != "", c.kind != "drill", ready).order_by(c.number)
        found = entries(self.connection.execute(query))
        first = self._first_unsent(route, {entry.about for entry in found if entry.about})
        return [entry for entry in found if not entry.about or entry.number <= first.get(entry.about, entry.number)]

    def _first_unsent(self, route: str, about: Iterable[str]) -> dict[str, int]:
        c, found, wanted = sent.c, {}, sorted(about)
        for at in range(0, len(wanted), 500):
            query = select(c.about, func.min(c.number)).where(
                c.route == route, c.about.in_(wanted[at : at + 500]), c.state.in_(IN_THE_WAY), c.message != ""
            )
            found.update({row[0]: row[1] for row in self.connection.execute(query.group_by(c.about))})
        return found

    def claim(self, entry: Entry, now: datetime) -> Message | None:
        """See Page."""
        c, message = sent.c, to_send(entry)
        same = update(sent).where(c.route == entry.route, c.key == entry.key, c.state == entry.state, c.at == entry.at)
        values = {"state": State.SENDING, "tries": entry.tries + 1, "at": stamp(now), "message": written(message)}
        return message if self.connection.execute(same.values(values)).rowcount else None

    def delivered(self, entry: Entry, reference: str, escalate_at: str, now: datetime) -> None:
        """See Page."""
        c = sent.c
        values = {"state": State.SENT, "why": "", "at": stamp(now), "next_at": "", "escalate_at": escalate_at}
        self._change(entry, **values, **({"reference": storable(reference)} if reference else {}))
        inside = update(sent).where(c.route == entry.route, c.digest == entry.key, c.state == State.IN_DIGEST)
        self.connection.execute(inside.values(state=State.SENT, at=stamp(now)))

    def failed(self, entry: Entry, message: Message, why: str, wait: float, now: datetime) -> bool:
        """See Page."""
        after = after_failure(replace(entry, tries=entry.tries + 1), message, why, wait, now)
        self._change(after, **{name: getattr(after, name) for name in ("state", "why", "at", "next_at", "message")})
        return after.state is State.GIVEN_UP

    def give_up(self, route: str, key: str, why: str) -> None:
        """Enters that it was not sent, and is not tried again."""
        own = update(sent).where(sent.c.route == route, sent.c.key == key)
        self.connection.execute(own.values(state=State.GIVEN_UP, why=storable(why)))

    def reference_of(self, route: str, about: str) -> str:
        """See Page."""
        c = sent.c
        query = select(c.reference).where(c.route == route, c.about == about, c.reference != "")
        newest = query.order_by(c.number.desc()).limit(1)
        return str(self.connection.execute(newest).scalar() or "") if about else ""

    # Quiet hours

    def held(self, route: str) -> list[Entry]:
        """See Page."""
        query = select(sent).where(sent.c.route == route, sent.c.state == State.HELD).order_by(sent.c.number)
        return entries(self.connection.execute(query))

    def release(self, entry: Entry, now: datetime) -> None:
        """See Page."""
        self._change(entry, state=State.DUE, at=stamp(now))

    def gather(self, route: str, entries: Sequence[Entry], now: datetime) -> None:
        """See Page."""
        message, c = digest(route, entries, now), sent.c
        self.enter(route, message, State.DUE, now)
        own = update(sent).where(c.route == route, c.state == State.HELD, c.number <= entries[-1].number)
        self.connection.execute(own.values(state=State.IN_DIGEST, digest=message.key, at=stamp(now)))

    # Acknowledgement

    def unheard(self, now: datetime) -> list[Entry]:
        """See Page."""
        c = sent.c
        query = select(sent).where(
            c.state == State.SENT, c.escalate_at != "", c.escalate_at <= stamp(now), c.acknowledged_at == ""
        )
        return entries(self.connection.execute(query.order_by(c.number)))

    def settle(self, entry: Entry) -> None:
        """See Page."""
        self._change(entry, escalate_at="")

    def acknowledge(self, news: str, by: str, now: datetime) -> None:
        """See Page."""
        c = sent.c
        seen = update(sent).where(or_(c.news == news, c.digest == news), c.acknowledged_at == "")
        values = {"acknowledged_at": stamp(now), "acknowledged_by": storable(by), "escalate_at": ""}
        self.connection.execute(seen.values(values))

    def acknowledged(self, news: str) -> tuple[str, str] | None:
        """When it was acknowledged, and by whom; None if it was not."""
        c = sent.c
        query = select(c.acknowledged_at, c.acknowledged_by).where(c.news == news, c.acknowledged_at != "")
        row = self.connection.execute(query).first()
        return (row[0], row[1]) if row else None

    # What the ledger knows

    def tags_of(self, uids: Collection[str]) -> Mapping[str, Mapping[str, str]]:
        """See Page."""
        return assets.tags_of(self.connection, sorted(uids))

    def finding_is_open(self, uid: str) -> bool:
        """See Page."""
        stored = findings.get(self.connection, uid)
        return stored is not None and stored.status is Status.NEW

    def route_is_dead(self, route: Route, why: str, now: datetime) -> None:
        """See Page."""
        drills.keep(self.connection, route, why, now.strftime("%Y-%m-%dT%H:%M:%SZ"))

    # Looking

    def sent_as(self, route: str, news: str) -> Message | None:
        """The message that a route was sent as this news; None if there is none."""
        c = sent.c
        found = entries(self.connection.execute(select(sent).where(c.route == route, c.news == news, c.message != "")))
        return message_of(found[0]) if found else None

    def last_told(self, route: str) -> dict[str, tuple[str, int, int]]:
        """What a route was last told of each thing: about -> (kind, severity, how often it was told)."""
        c = sent.c
        of_findings = (c.route == route) & c.kind.startswith("finding-")
        grouped = (
            select(c.about, func.max(c.number).label("number"), func.count().label("times"))
            .where(of_findings)
            .group_by(c.about)
            .subquery()
        )
        query = select(c.about, c.kind, c.severity, grouped.c.times).join(grouped, c.number == grouped.c.number)
        rows = self.connection.execute(query.where(c.route == route)).all()
        return {row.about: (row.kind, row.severity, row.times) for row in rows}

    def counts(self) -> dict[str, int]:
        """How many messages are in each state."""
        rows = self.connection.execute(select(sent.c.state, func.count()).group_by(sent.c.state))
        return {row[0]: row[1] for row in rows}

    def _change(self, entry: Entry, **values: Any) -> None:
        own = update(sent).where(sent.c.route == entry.route, sent.c.key == entry.key)
        self.connection.execute(own.values(values))


def entries(rows: Iterable[Row[Any]]) -> list[Entry]:
    """The rows of the table `notify_sent`."""
    found = (row._asdict() for row in rows)
    return [Entry(**{**row, "state": State(row["state"])}) for row in found]
