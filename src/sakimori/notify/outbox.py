"""The outbox: what is to be sent is entered before it is sent, and stays until it was; killed at any moment, nothing
is lost.

    DUE -> SENDING -> SENT             and SENT is what is acknowledged, or goes to the next route
    SENDING -> FAILED -> SENDING ...   with growing pauses, TRIES times in all; then GIVEN_UP
    HELD -> DUE, or IN_DIGEST          when the quiet hours are over

A message that is SENDING while its process is killed is sent again after STUCK, under the same key, and so is one that
was sent and not answered: it may then arrive twice, but not never, and the second one says so (the fact `perhaps`). The
functions take a connection inside a transaction.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, update

from sakimori.notify.message import Message
from sakimori.notify.tables import sent
from sakimori.store.database import insert_new
from sakimori.store.text import storable, storable_json

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


def stamp(at: datetime) -> str:
    """The time as the outbox writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def enter(connection: Connection, route: str, message: Message, state: State, now: datetime, news: str = "") -> bool:
    """Enters a message for a route, once; whether it is new there."""
    number = (connection.execute(select(func.max(sent.c.number))).scalar() or 0) + 1
    row = {name: "" for name in ("why", "next_at", "reference", "digest", "escalate_at")}
    row |= {"acknowledged_at": "", "acknowledged_by": ""}
    values: dict[str, Any] = row | {
        "route": route,
        "key": message.key,
        "number": number,
        "kind": message.kind,
        "about": message.about,
        "news": news or message.key,
        "severity": int(message.severity),
        "state": state,
        "tries": 0,
        "at": stamp(now),
        "message": _written(message),
    }
    return bool(connection.execute(insert_new(connection, sent), values).rowcount)


def message_of(row: Row[Any]) -> Message:
    """The message as it was entered; half surrogate pairs, which findings may hold, stay what they are."""
    return msgspec.convert(json.loads(row.message), Message)


def due(connection: Connection, route: str, now: datetime, *, again: bool = False) -> list[Row[Any]]:
    """What is to be sent by a route now, the oldest first; with `again` also what has to wait, or was given up.

    Of what is about the same thing only the oldest: a ticket is not closed before it is made.
    """
    c, text = sent.c, stamp(now)
    ready: ColumnElement[bool] = or_(
        c.state == State.DUE,
        (c.state == State.FAILED) & (c.next_at <= text),
        (c.state == State.SENDING) & (c.at < stamp(now - STUCK)),
    )
    if again:
        ready = or_(ready, c.state.in_((State.FAILED, State.GIVEN_UP)))
    query = select(sent).where(c.route == route, c.message != "", c.kind != "drill", ready).order_by(c.number)
    rows = connection.execute(query).all()
    first = _first_unsent(connection, route, {row.about for row in rows if row.about})
    return [row for row in rows if not row.about or row.number <= first.get(row.about, row.number)]


def _first_unsent(connection: Connection, route: str, about: Iterable[str]) -> dict[str, int]:
    c, found, wanted = sent.c, {}, sorted(about)
    for at in range(0, len(wanted), 500):
        query = select(c.about, func.min(c.number)).where(
            c.route == route, c.about.in_(wanted[at : at + 500]), c.state.in_(IN_THE_WAY), c.message != ""
        )
        found.update({row[0]: row[1] for row in connection.execute(query.group_by(c.about))})
    return found


def claim(connection: Connection, row: Row[Any], now: datetime) -> Message | None:
    """Enters that this process sends it; gives what is to be sent, None if another process was quicker."""
    c, message = sent.c, message_of(row)
    if row.state == State.SENDING:
        message = perhaps(message)
    same = update(sent).where(c.route == row.route, c.key == row.key, c.state == row.state, c.at == row.at)
    values = {"state": State.SENDING, "tries": row.tries + 1, "at": stamp(now), "message": _written(message)}
    return message if connection.execute(same.values(values)).rowcount else None


def perhaps(message: Message) -> Message:
    """The message as one that may have arrived before, and says so."""
    return replace(message, facts={**message.facts, "perhaps": "yes"})


def _written(message: Message) -> str:
    return storable_json(msgspec.to_builtins(message))


def delivered(connection: Connection, row: Row[Any], reference: str, escalate_at: str, now: datetime) -> None:
    """Enters that it was sent; with a digest so was all that is in it."""
    c = sent.c
    values = {"state": State.SENT, "why": "", "at": stamp(now), "next_at": "", "escalate_at": escalate_at}
    own = update(sent).where(c.route == row.route, c.key == row.key)
    connection.execute(own.values(values | ({"reference": storable(reference)} if reference else {})))
    inside = update(sent).where(c.route == row.route, c.digest == row.key, c.state == State.IN_DIGEST)
    connection.execute(inside.values(state=State.SENT, at=stamp(now)))


def failed(connection: Connection, row: Row[Any], message: Message, why: str, wait: float, now: datetime) -> bool:
    """Enters that it was not sent, and what is to be sent the next time; whether it is given up."""
    tries = row.tries + 1
    pause = max(PAUSES[min(tries, len(PAUSES)) - 1], timedelta(seconds=min(wait, LONGEST_PAUSE.total_seconds())))
    state = State.GIVEN_UP if tries >= TRIES else State.FAILED
    values: dict[str, Any] = {"state": state, "why": storable(why), "at": stamp(now), "next_at": stamp(now + pause)}
    values["message"] = _written(message)
    connection.execute(update(sent).where(sent.c.route == row.route, sent.c.key == row.key).values(values))
    return state is State.GIVEN_UP


def give_up(connection: Connection, route: str, key: str, why: str) -> None:
    """Enters that it was not sent, and is not tried again."""
    own = update(sent).where(sent.c.route == route, sent.c.key == key)
    connection.execute(own.values(state=State.GIVEN_UP, why=storable(why)))


def reference_of(connection: Connection, route: str, about: str) -> str:
    """What a route's channel called this when it was told of it before."""
    c = sent.c
    query = select(c.reference).where(c.route == route, c.about == about, c.reference != "")
    return str(connection.execute(query.order_by(c.number.desc()).limit(1)).scalar() or "") if about else ""


# ---- quiet hours


def held(connection: Connection, route: str) -> list[Row[Any]]:
    """What waits for the end of the quiet hours, the oldest first."""
    query = select(sent).where(sent.c.route == route, sent.c.state == State.HELD).order_by(sent.c.number)
    return list(connection.execute(query).all())


def release(connection: Connection, row: Row[Any], now: datetime) -> None:
    """One that was held is to be sent by itself."""
    own = update(sent).where(sent.c.route == row.route, sent.c.key == row.key)
    connection.execute(own.values(state=State.DUE, at=stamp(now)))


def gather(connection: Connection, route: str, rows: Sequence[Row[Any]], now: datetime) -> None:
    """Those that were held become one digest, the worst first, which is to be sent."""
    key = f"digest-{rows[0].number}-{rows[-1].number}"
    items = tuple(
        replace(message_of(row), subject=None) for row in sorted(rows, key=lambda row: (-row.severity, row.number))
    )
    facts = {"count": str(len(items)), "digest": key}
    message = Message("digest", key, items[0].severity, "", route, "sakimori notify", facts, at=stamp(now), items=items)
    enter(connection, route, message, State.DUE, now)
    own = update(sent).where(sent.c.route == route, sent.c.state == State.HELD, sent.c.number <= rows[-1].number)
    connection.execute(own.values(state=State.IN_DIGEST, digest=key, at=stamp(now)))


# ---- acknowledgement


def unheard(connection: Connection, now: datetime) -> list[Row[Any]]:
    """What nobody has acknowledged in time."""
    c = sent.c
    query = select(sent).where(
        c.state == State.SENT, c.escalate_at != "", c.escalate_at <= stamp(now), c.acknowledged_at == ""
    )
    return list(connection.execute(query.order_by(c.number)).all())


def settle(connection: Connection, row: Row[Any]) -> None:
    """It is not escalated any more."""
    own = update(sent).where(sent.c.route == row.route, sent.c.key == row.key)
    connection.execute(own.values(escalate_at=""))


def acknowledge(connection: Connection, news: str, by: str, now: datetime) -> None:
    """Enters that somebody has seen it: on every route that it went, and with a digest all that is in it."""
    c = sent.c
    seen = update(sent).where(or_(c.news == news, c.digest == news), c.acknowledged_at == "")
    connection.execute(seen.values(acknowledged_at=stamp(now), acknowledged_by=storable(by), escalate_at=""))


def acknowledged(connection: Connection, news: str) -> tuple[str, str] | None:
    """When it was acknowledged, and by whom; None if it was not."""
    c = sent.c
    query = select(c.acknowledged_at, c.acknowledged_by).where(c.news == news, c.acknowledged_at != "")
    row = connection.execute(query).first()
    return (row[0], row[1]) if row else None


# ---- looking


def sent_as(connection: Connection, route: str, news: str) -> Message | None:
    """The message that a route was sent as this news; None if there is none."""
    c = sent.c
    row = connection.execute(select(sent).where(c.route == route, c.news == news, c.message != "")).first()
    return message_of(row) if row else None


def last_told(connection: Connection, route: str) -> dict[str, tuple[str, int, int]]:
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
    rows = connection.execute(query.where(c.route == route)).all()
    return {row.about: (row.kind, row.severity, row.times) for row in rows}


def log(connection: Connection, route: str = "", state: str = "", digest: str = "", limit: int = 100) -> list[Row[Any]]:
    """What was sent and is to be sent, the newest first."""
    query = select(sent).order_by(sent.c.number.desc()).limit(limit)
    for column, wanted in ((sent.c.route, route), (sent.c.state, state), (sent.c.digest, digest)):
        query = query.where(column == wanted) if wanted else query
    return list(connection.execute(query).all())


def counts(connection: Connection) -> dict[str, int]:
    """How many messages are in each state."""
    rows = connection.execute(select(sent.c.state, func.count()).group_by(sent.c.state))
    return {row[0]: row[1] for row in rows}
