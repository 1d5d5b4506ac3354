"""Findings in the ledger: upserted by uid, counted by distinct record, with the history of their status.

The functions take a connection inside a transaction; `ledger.py` opens it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from sakimori.model.finding import Finding
from sakimori.model.said import Made
from sakimori.model.severity import Severity
from sakimori.store.database import LedgerError, among, insert_new, insert_rows
from sakimori.store.finding_rows import said_of, to_finding, to_row
from sakimori.store.tables import finding_records, finding_status, findings
from sakimori.store.text import storable

OURSELVES = "sakimori"
"""Who changes a finding's status when nobody does."""


class Status(StrEnum):
    """The life of a finding (OCSF `status` of class 2004)."""

    NEW = "New"
    IN_PROGRESS = "In Progress"
    SUPPRESSED = "Suppressed"
    RESOLVED = "Resolved"


OPEN = (Status.NEW, Status.IN_PROGRESS)
"""What a finding is while it still asks for something to be done."""


@dataclass(frozen=True, slots=True)
class StoredFinding:
    """A finding and where it stands. Times are ISO 8601 in UTC."""

    finding: Finding
    status: Status
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One entry of a finding's history."""

    at: str
    status: Status
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class Upserted:
    """How many findings were new, known, and of the known how many were reopened; and how many were resolved."""

    new: int = 0
    known: int = 0
    reopened: int = 0
    resolved: int = 0

    def __add__(self, other: Upserted) -> Upserted:
        return Upserted(
            self.new + other.new,
            self.known + other.known,
            self.reopened + other.reopened,
            self.resolved + other.resolved,
        )


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings to list. None and "" are no condition; `since` and `until` bound `last_seen` (ISO, until open)."""

    status: Status | None = None
    rule: str = ""
    account: str = ""
    min_severity: Severity | None = None
    since: str = ""
    until: str = ""
    limit: int | None = None


def upsert(connection: Connection, batch: Iterable[Finding]) -> Upserted:
    """Adds or updates by uid. A record counts once however often it is given; first and last seen only widen.

    A resolved finding that comes with a record not seen before (or, where a finding has no records at all, that
    comes again) is reopened.
    """
    given = _by_uid(batch)
    now = _now()
    before = {row["uid"]: row for row in _rows(connection, list(given))}
    firsts = _first_records(connection, list(before))
    new = [finding for uid, finding in given.items() if uid not in before]
    if new:
        rows = [to_row(finding, Status.NEW, now) for finding in new]
        insert_rows(connection, insert(findings), list(rows[0]), [tuple(row.values()) for row in rows])
    records = [
        (finding.uid, storable(record), storable(time))
        for finding in given.values()
        for record, time in zip(finding.records, _times(finding), strict=True)
    ]
    if records:
        names = ("finding_uid", "record_id", "time")
        insert_rows(connection, insert_new(connection, finding_records), names, records)
    counts = _per_finding(connection, func.count(), list(before))
    changes = [_changed_row(before[uid], firsts.get(uid, ""), given[uid], counts.get(uid, 0), now) for uid in before]
    if changes:
        statement = update(findings).where(findings.c.uid == bindparam("key"))
        connection.execute(statement.values({name: bindparam(name) for name in _CHANGING}), changes)
    reopened = [c["key"] for c in changes if c["status"] != before[c["key"]]["status"]]
    if reopened:
        again = [_status_row(uid, now, Status.NEW, OURSELVES, "reopened: it was seen again") for uid in reopened]
        connection.execute(insert(finding_status), again)
    return Upserted(len(new), len(before), len(reopened))


def put(connection: Connection, batch: Iterable[Finding]) -> Upserted:
    """Like `upsert`, but each finding then is what is given: records that are not given any more are gone from it.

    One that was withdrawn is reopened.
    """
    given = {storable(finding.uid): finding for finding in batch}
    withdrawn = [uid for uid in _resolved(connection, list(given)) if history(connection, uid)[-1].by == OURSELVES]
    done = upsert(connection, given.values())
    c = finding_records.c
    for uid, stored in _records_of(connection, list(given)).items():
        stale = sorted({record for record, _ in stored} - set(map(storable, given[uid].records)))
        if stale:
            connection.execute(
                delete(finding_records).where(c.finding_uid == uid, among(connection, c.record_id, stale))
            )
    now = _now()
    fresh = ((uid, to_row(each, Status.NEW, now)) for uid, each in given.items())
    rows = [{"key": uid} | {name: row[name] for name in _GIVEN} for uid, row in fresh]
    if rows:
        statement = update(findings).where(findings.c.uid == bindparam("key"))
        connection.execute(statement.values({name: bindparam(name) for name in _GIVEN}), rows)
    back = _resolved(connection, withdrawn)
    for uid in back:
        change_status(connection, uid, Status.NEW, OURSELVES, "reopened: it was seen again")
    return done + Upserted(reopened=len(back))


def withdraw(connection: Connection, rule: str, since: str, until: str, kept: Set[str]) -> None:
    """Resolves the rule's open findings with `since <= last_seen < until` ("" is open) that are not among `kept`."""
    c = findings.c
    query = select(c.uid).where(c.rule == rule, c.last_seen >= since, c.status.in_(OPEN))
    if until:
        query = query.where(c.last_seen < until)
    for uid in connection.execute(query).scalars().all():
        if uid not in kept:
            note = "withdrawn: in the light of logs that came later, its rule does not hold"
            change_status(connection, uid, Status.RESOLVED, OURSELVES, note)


def find(connection: Connection, wanted: FindingFilter) -> list[StoredFinding]:
    """The findings that fit, the worst first, then the latest."""
    rows = connection.execute(_query(wanted)).mappings().all()
    records = _records_of(connection, [row["uid"] for row in rows])
    return [_stored(row, records.get(row["uid"], ())) for row in rows]


def page(connection: Connection, wanted: FindingFilter, after: str = "") -> list[StoredFinding]:
    """Like `find`, without their records, and only those that come after the finding with this uid."""
    c, query = findings.c, _query(wanted)
    if after:
        last = connection.execute(select(c.severity_id, c.last_seen).where(c.uid == after)).first()
        mark = tuple_(literal(last.severity_id), literal(last.last_seen)) if last else None
        place = tuple_(c.severity_id, c.last_seen)
        query = query.where((place < mark) | ((place == mark) & (c.uid > after)) if last else c.uid.is_(None))
    return [_stored(row, ()) for row in connection.execute(query).mappings()]


def titles(connection: Connection, uids: Sequence[str]) -> dict[str, tuple[str, dict[str, Made]]]:
    """The titles of these findings, by uid, with what they were made of; what is no finding of ours is left out."""
    c = findings.c
    query = select(c.uid, c.title, c.evidence).where(among(connection, c.uid, uids))
    return {row.uid: (row.title, said_of(json.loads(row.evidence)) or {}) for row in connection.execute(query)}


def _query(wanted: FindingFilter) -> Select[Any]:
    c = findings.c
    conditions = [
        (wanted.status is not None, c.status == wanted.status),
        (bool(wanted.rule), c.rule == wanted.rule),
        (bool(wanted.account), c.account == wanted.account),
        (wanted.min_severity is not None, c.severity_id >= int(wanted.min_severity or 0)),
        (bool(wanted.since), c.last_seen >= wanted.since),
        (bool(wanted.until), c.last_seen < wanted.until),
    ]
    query = select(findings).where(*(condition for given, condition in conditions if given))
    return query.order_by(c.severity_id.desc(), c.last_seen.desc(), c.uid).limit(wanted.limit)


def get(connection: Connection, uid: str, most_records: int | None = None) -> StoredFinding | None:
    """The finding with this uid, with its first records only, if it is said how many."""
    rows = _rows(connection, [uid])
    return _stored(rows[0], _records_of(connection, [uid], most_records).get(uid, ())) if rows else None


def beginning_like(connection: Connection, beginning: str, most: int) -> list[StoredFinding]:
    """The findings whose uids begin like this, by uid."""
    c = findings.c
    query = select(c.uid).where(c.uid.startswith(beginning, autoescape=True)).order_by(c.uid).limit(most)
    uids = connection.execute(query).scalars().all()
    return [found for uid in uids if (found := get(connection, uid)) is not None]


def change_status(connection: Connection, uid: str, status: Status, by: str, note: str) -> None:
    """Sets the status and enters it in the history. Raises LedgerError if there is no such finding."""
    now = _now()
    done = connection.execute(update(findings).where(findings.c.uid == uid).values(status=status, updated_at=now))
    if done.rowcount == 0:
        raise LedgerError(f"no finding has the uid {uid!r}: `sakimori findings` lists those there are")
    connection.execute(insert(finding_status), _status_row(uid, now, status, by, note))


def history(connection: Connection, uid: str) -> list[StatusChange]:
    """Every status the finding has had, the first first. That it was new when it was made needs no row of its own."""
    made = connection.execute(select(findings.c.created_at).where(findings.c.uid == uid)).scalar()
    if made is None:
        return []
    query = select(finding_status).where(finding_status.c.finding_uid == uid).order_by(finding_status.c.number)
    changes = [StatusChange(row.at, Status(row.status), row.by, row.note) for row in connection.execute(query)]
    return [StatusChange(made, Status.NEW, OURSELVES, "first seen"), *changes]


def _by_uid(batch: Iterable[Finding]) -> dict[str, Finding]:
    """The findings by uid; two with the same uid become one with both their records."""
    given: dict[str, Finding] = {}
    for finding in batch:
        known = given.get(finding.uid)
        if known is not None:
            early, late = sorted((known, finding), key=lambda one: (one.first_seen or "~", one.records[:1]))
            finding = replace(
                early,
                count=max(known.count, finding.count),
                first_seen=_earliest(known.first_seen, finding.first_seen),
                last_seen=max(known.last_seen, finding.last_seen),
                records=(*early.records, *late.records),  # the first stays the first
                times=(*_times(early), *_times(late)),
            )
        given[finding.uid] = finding
    return given


def _times(finding: Finding) -> tuple[str, ...]:
    """A time for every record, "" where none is given."""
    if len(finding.times) == len(finding.records):
        return finding.times
    return (finding.times + ("",) * len(finding.records))[: len(finding.records)]


def _rows(connection: Connection, uids: Sequence[str]) -> Sequence[RowMapping]:
    query = select(findings).where(among(connection, findings.c.uid, uids))
    return connection.execute(query).mappings().all() if uids else ()


def _records_of(
    connection: Connection, uids: Sequence[str], most: int | None = None
) -> dict[str, list[tuple[str, str]]]:
    """The (record id, time) of each finding's records, in the order of their times."""
    c = finding_records.c
    records: dict[str, list[tuple[str, str]]] = {}
    query = select(c.finding_uid, c.record_id, c.time).where(among(connection, c.finding_uid, uids))
    query = query.order_by(c.finding_uid, c.time, c.record_id).limit(most)
    for uid, record, time in connection.execute(query) if uids else ():
        records.setdefault(uid, []).append((record, time))
    return records


def _first_records(connection: Connection, uids: Sequence[str]) -> dict[str, str]:
    """The first record of each finding, as `detect` orders them: by time, then by id."""
    c = finding_records.c
    joined = finding_records.join(findings, (findings.c.uid == c.finding_uid) & (findings.c.first_seen == c.time))
    query = select(c.finding_uid, func.min(c.record_id)).select_from(joined)
    query = query.where(among(connection, c.finding_uid, uids)).group_by(c.finding_uid)
    return {uid: record for uid, record in connection.execute(query)} if uids else {}


def _resolved(connection: Connection, uids: Sequence[str]) -> list[str]:
    return [row["uid"] for row in _rows(connection, uids) if row["status"] == Status.RESOLVED]


def _per_finding(connection: Connection, wanted: ColumnElement[int], uids: Sequence[str]) -> dict[str, int]:
    """An aggregate over each finding's records; findings without records are left out."""
    c = finding_records.c
    query = select(c.finding_uid, wanted).where(among(connection, c.finding_uid, uids)).group_by(c.finding_uid)
    return {uid: value for uid, value in connection.execute(query)} if uids else {}


_CHANGING = (
    *("title", "description", "severity_id", "tactics", "techniques", "matched", "source_ip"),
    *("evidence", "remediation"),
    *("count", "first_seen", "last_seen", "status", "updated_at"),
)

_GIVEN = ("account", "region", "actor", "asset", "source_ip", "matched", "count", "first_seen", "last_seen")


def _changed_row(before: RowMapping, first_record: str, finding: Finding, records: int, now: str) -> dict[str, Any]:
    row = to_row(finding, Status.NEW, now)
    first_seen = _earliest(before["first_seen"], row["first_seen"])
    returned = records > before["count"] or not records
    known_first = (before["first_seen"] or "~", first_record)
    given_first = (row["first_seen"] or "~", *map(storable, finding.records[:1]))
    shown = before if known_first < given_first else row  # the first record's, in whatever order they come
    changed = {
        **row,
        "key": before["uid"],
        "count": records or max(before["count"], finding.count),
        "first_seen": first_seen,
        "last_seen": max(before["last_seen"], row["last_seen"]),
        "matched": shown["matched"],
        "source_ip": shown["source_ip"],
        "status": Status.NEW if returned and before["status"] == Status.RESOLVED else before["status"],
    }
    return {name: changed[name] for name in ("key", *_CHANGING)}


def _earliest(one: str, other: str) -> str:
    return min(filter(None, (one, other)), default="")


def _status_row(uid: str, at: str, status: Status, by: str, note: str) -> dict[str, Any]:
    return {"finding_uid": storable(uid), "at": at, "status": status, "by": storable(by), "note": storable(note)}


def _stored(row: RowMapping, records: Sequence[tuple[str, str]]) -> StoredFinding:
    return StoredFinding(to_finding(row, records), Status(row["status"]), row["created_at"], row["updated_at"])


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
