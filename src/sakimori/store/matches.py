"""Matches in the ledger: what single records the rules matched, and which of these no correlation has looked at yet.

The functions take a connection inside a transaction; `ledger.py` opens it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from sakimori.model.match import Match
from sakimori.store.database import insert_new
from sakimori.store.tables import matches, uncorrelated
from sakimori.store.text import storable, storable_json

_TEXT = ("rule", "record_id", "time", "account", "region", "actor", "source_ip", "asset", "group_key")


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Matches that no correlation has looked at: `spans` has the first and the last time of each rule's.

    `upto` is the newest commit among them, `by` whoever took it upon itself to look.
    """

    by: str
    upto: int
    spans: dict[str, tuple[str, str]]


def add(connection: Connection, found: Sequence[Match], object_uid: str) -> None:
    """Enters an object's matches; those known from another object stay as they are."""
    rows = [_row(match, object_uid) for match in found]
    connection.execute(insert_new(connection, matches), rows)
    connection.execute(insert(uncorrelated), {"object_uid": object_uid})


def of_rule(connection: Connection, rule: str, since: str, until: str) -> Iterator[Match]:
    """See `Ledger.matches_of`."""
    c = matches.c
    query = select(matches).where(c.rule == rule)
    if since:
        query = query.where(c.time >= since)
    if until:
        query = query.where(c.time < until)
    for row in connection.execution_options(yield_per=1_000).execute(query.order_by(c.time, c.record_id)):
        yield _match(row)


def first_of_groups(connection: Connection, rule: str, until: str) -> Iterator[tuple[str, str]]:
    """See `Ledger.first_matches_of`."""
    c = matches.c
    query = select(c.group_key, func.min(c.time)).where(c.rule == rule, c.time != "", c.time < until)
    for row in connection.execution_options(yield_per=1_000).execute(query.group_by(c.group_key)):
        yield row[0], row[1]


def unsettled(connection: Connection, by: str) -> Unsettled | None:
    """What is to be looked at, None if there is nothing."""
    upto = connection.execute(select(func.max(uncorrelated.c.number))).scalar()
    if upto is None:
        return None
    c = matches.c
    joined = matches.join(uncorrelated, uncorrelated.c.object_uid == c.object_uid)
    query = select(c.rule, func.min(c.time), func.max(c.time)).select_from(joined).where(c.time != "")
    spans = {rule: (first, last) for rule, first, last in connection.execute(query.group_by(c.rule))}
    return Unsettled(by, upto, spans)


def settle(connection: Connection, upto: int) -> None:
    """Notes that correlations have looked at everything up to this commit."""
    connection.execute(delete(uncorrelated).where(uncorrelated.c.number <= upto))


def _row(match: Match, object_uid: str) -> dict[str, object]:
    row: dict[str, object] = {name: storable(getattr(match, name)) for name in _TEXT}
    return row | {"object_uid": object_uid, "matched": storable_json(dict(match.matched))}


def _match(row: Row[Any]) -> Match:
    return Match(**{name: getattr(row, name) for name in _TEXT}, matched=json.loads(row.matched))
