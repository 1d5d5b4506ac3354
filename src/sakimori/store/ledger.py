"""The ledger: which objects were ingested, what rules matched in them, and the findings, each with its history.

Every method is one transaction. Calling one again with the same values changes nothing, so a run that was killed is
simply run again. Text from logs is stored without what SQL cannot hold (`text.py`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import compress, islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, select

from sakimori.model.asset import Inventory, NotEvaluated
from sakimori.model.finding import Finding
from sakimori.model.match import Match
from sakimori.model.refusal import Refusal
from sakimori.store import assessments, assets, database, findings, matches, tables
from sakimori.store.assessments import Place
from sakimori.store.database import LedgerError, reading, writing
from sakimori.store.discovered import Ended, HistoryEntry, KnownAsset, Recorded, Run, Scope, Seen
from sakimori.store.findings import FindingFilter, Status, StatusChange, StoredFinding, Upserted
from sakimori.store.lake import LakeFile
from sakimori.store.matches import Unsettled
from sakimori.store.text import storable

__all__ = [
    "Arrival",
    "Ended",
    "FindingFilter",
    "HistoryEntry",
    "KnownAsset",
    "Ledger",
    "LedgerError",
    "ObjectEntry",
    "Place",
    "Recorded",
    "Run",
    "Scope",
    "Seen",
    "Status",
    "StatusChange",
    "StoredFinding",
    "Superseded",
    "Unsettled",
    "Upserted",
    "open_ledger",
]

T = TypeVar("T")

UPSERT_BATCH = 2_000
"""Findings in one transaction: large enough to be fast, small enough not to keep other writers waiting."""


_SETTLER = "correlations.settler"
"""The setting that says who has last begun to evaluate correlations."""


class Superseded(Exception):
    """Another run has taken over the evaluation of correlations, of everything that this one wanted to look at."""


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """One ingested source object.

    `path` is s3://bucket/key or an absolute path, `sha256` that of the object as delivered, `kind` the log source.
    `account` and `region` are "mixed" or "unknown" as in the lake; `first_event` and `last_event` are milliseconds
    UTC, None if no record has a time. `records` were kept, `refused` were not.
    """

    uid: str
    path: str
    kind: str
    bytes: int
    sha256: str
    etag: str
    records: int
    refused: int
    account: str
    region: str
    first_event: int | None
    last_event: int | None
    lake_files: tuple[LakeFile, ...]
    ingested_at: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object that was ingested, with what was refused, matched and found in it."""

    entry: ObjectEntry
    refusals: Sequence[Refusal] = ()
    matches: Sequence[Match] = ()
    findings: Collection[Finding] = ()


def open_ledger(place: str | Path) -> Ledger:
    """The ledger at a path or URL; see `database.connect`. Close it, or use it in a `with`."""
    return Ledger(database.connect(place))


class Ledger:
    """An open ledger."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the database back."""
        self._engine.dispose()

    # Objects

    def versions_of(self, path: str) -> dict[str, int]:
        """The uid of every version of the object at `path` that was ingested: how much of it was refused."""
        c = tables.objects.c
        with reading(self._engine) as connection:
            rows = connection.execute(select(c.uid, c.refused).where(c.path == storable(path)))
            return {uid: refused for uid, refused in rows}

    def known_objects(self, prefix: str = "", *, with_refusals: bool = False) -> Iterator[ObjectEntry]:
        """The ingested objects whose path starts with `prefix`, by path, or just those of which something was refused.

        They are read in pieces.
        """
        c = tables.objects.c
        query = select(tables.objects).order_by(c.path, c.uid)
        if prefix:
            query = query.where(c.path.startswith(storable(prefix), autoescape=True))
        if with_refusals:
            query = query.where(c.refused > 0)
        with reading(self._engine) as connection:
            for row in connection.execution_options(yield_per=1_000).execute(query):
                yield _entry(row)

    def lake_files(self, since: int | None = None, until: int | None = None) -> list[LakeFile]:
        """The lake's files, by path, of the objects that have records in `since <= time < until` (ms UTC)."""
        c = tables.objects.c
        query = select(c.lake_files)
        if since is not None:
            query = query.where(c.last_event >= since)
        if until is not None:
            query = query.where(c.first_event < until)
        with reading(self._engine) as connection:
            found = [file for text in connection.execute(query).scalars() for file in _files(text)]
        return sorted(found, key=lambda file: file.path)

    def commit_objects(self, arrivals: Sequence[Arrival]) -> list[bool]:
        """Enters objects with what was found in them, all or nothing; of each whether it was not there already."""
        with writing(self._engine) as connection:  # alone: nobody can enter one between the question and the answer
            entered = [_enter(connection, arrival) for arrival in arrivals]
            new = compress(arrivals, entered)
            found = [finding for arrival in new for finding in arrival.findings]
            if found:
                findings.upsert(connection, found)
            return entered

    def refusals(self, uid: str = "") -> list[Refusal]:
        """What was refused in the ingested objects, or in the one with this uid, by path, in order."""
        o, r = tables.objects.c, tables.refusals.c
        joined = tables.refusals.join(tables.objects, o.uid == r.object_uid)
        query = select(o.path, r.offset, r.reason).select_from(joined).order_by(o.path, o.uid, r.number)
        if uid:
            query = query.where(o.uid == uid)
        with reading(self._engine) as connection:
            return [Refusal(*row) for row in connection.execute(query)]

    # Matches

    def matches_of(self, rule: str, since: str = "", until: str = "") -> Iterator[Match]:
        """The matches of a rule with `since <= time < until` (ISO 8601, "" is open), by time; read in pieces."""
        with reading(self._engine) as connection:
            yield from matches.of_rule(connection, rule, since, until)

    def first_matches_of(self, rule: str, until: str) -> Iterator[tuple[str, str]]:
        """Each `group_key` of the rule's matches before `until`, with the time of the first of them."""
        with reading(self._engine) as connection:
            yield from matches.first_of_groups(connection, rule, until)

    # Correlations

    def begin_settling(self) -> Unsettled | None:
        """The matches that no correlation has looked at, None if there are none.

        Whoever begins takes over from one that has begun and not ended, which gets Superseded at its next step: what it
        wanted to look at is in what is given here.
        """
        by = os.urandom(8).hex()
        with writing(self._engine) as connection:
            found = matches.unsettled(connection, by)
            if found is not None:
                _set_setting(connection, _SETTLER, by)
            return found

    def replace_findings(
        self, settling: Unsettled, rule: str, since: str, until: str, batch: Iterable[Finding]
    ) -> Upserted:
        """Makes `batch` all of the rule's findings with `since <= last_seen < until` ("" is open).

        A finding that is no longer there is resolved, with a note; see `findings.put`. Memory holds one batch, and the
        uids. Raises Superseded.
        """
        total = Upserted()
        kept: set[str] = set()
        for some in _in_pieces(batch, UPSERT_BATCH):
            kept.update(finding.uid for finding in some)
            with self._settling(settling) as connection:
                total += findings.put(connection, some)
        with self._settling(settling) as connection:
            findings.withdraw(connection, rule, since, until, kept)
        return total

    def end_settling(self, settling: Unsettled) -> None:
        """To be called when all correlations have looked. Raises Superseded."""
        with self._settling(settling) as connection:
            matches.settle(connection, settling.upto)
            connection.execute(tables.settings.delete().where(tables.settings.c.name == _SETTLER))

    @contextmanager
    def _settling(self, settling: Unsettled) -> Iterator[Connection]:
        with writing(self._engine) as connection:
            if _setting(connection, _SETTLER) != settling.by:
                raise Superseded
            yield connection

    # Findings

    def upsert_findings(self, batch: Iterable[Finding]) -> Upserted:
        """Adds or updates findings by uid; see `findings.upsert`. Memory holds one batch of them."""
        total = Upserted()
        for some in _in_pieces(batch, UPSERT_BATCH):
            with writing(self._engine) as connection:
                total += findings.upsert(connection, some)
        return total

    def put_assessment(
        self, rules: Collection[str], batch: Iterable[Finding], undecided: Collection[Place] = ()
    ) -> Upserted:
        """Makes `batch` all that an assessment by these rules finds: what it no longer finds is resolved.

        Not in the places that it could not decide about (NOT_EVALUATED), if the asset is still there. Memory holds one
        batch, and the uids.
        """
        kept: set[str] = set()
        total = self.upsert_findings(_noted(batch, kept))
        with writing(self._engine) as connection:
            return total + Upserted(resolved=assessments.settle(connection, rules, kept, undecided))

    def open_rules(self, prefix: str) -> list[str]:
        """The rules whose names begin like this that have open findings."""
        with reading(self._engine) as connection:
            return assessments.open_rules(connection, prefix)

    def retire_rule(self, rule: str, why: str) -> int:
        """Resolves the open findings of a rule that is no more, and keeps why; how many that are."""
        with writing(self._engine) as connection:
            return assessments.retire(connection, rule, why)

    def finding(self, uid: str) -> StoredFinding | None:
        """The finding with this uid, its records in the order they were given."""
        with reading(self._engine) as connection:
            return findings.get(connection, uid)

    def findings_beginning(self, beginning: str, most: int) -> list[StoredFinding]:
        """The findings whose uids begin like this, at most so many."""
        with reading(self._engine) as connection:
            return findings.beginning_like(connection, beginning, most)

    def findings(self, wanted: FindingFilter | None = None) -> list[StoredFinding]:
        """The findings that fit, the worst first, then the latest."""
        with reading(self._engine) as connection:
            return findings.find(connection, wanted or FindingFilter())

    def set_status(self, uid: str, status: Status, by: str, note: str = "") -> None:
        """Sets a finding's status and keeps who did it, and why. Raises LedgerError for an unknown uid."""
        with writing(self._engine) as connection:
            findings.change_status(connection, uid, status, by, note)

    def status_history(self, uid: str) -> list[StatusChange]:
        """Every status the finding has had, the first first."""
        with reading(self._engine) as connection:
            return findings.history(connection, uid)

    # Discovery

    def begin_discovery(self, source: str) -> int:
        """A new run's number; see `assets`."""
        with writing(self._engine) as connection:
            return assets.begin(connection, source)

    def record(self, run: int, steps: Sequence[Seen | Ended]) -> Recorded:
        """Adds or updates what units of the run saw, and ends those that came to their end, in this order."""
        with writing(self._engine) as connection:
            return sum((assets.step(connection, run, each) for each in steps), Recorded())

    def put_not_evaluated(self, run: int, scope: Scope, missing: Iterable[NotEvaluated]) -> None:
        """Makes `missing` all that the unit could not see."""
        with writing(self._engine) as connection:
            assets.put_not_evaluated(connection, run, scope, missing)

    def end_discovery(self, run: int) -> None:
        """Enters that the run came to its end."""
        with writing(self._engine) as connection:
            assets.end(connection, run)

    def discoveries(self) -> list[Run]:
        """Every discovery, the first first."""
        with reading(self._engine) as connection:
            return assets.runs(connection)

    def inventory(
        self, accounts: Collection[str] = (), regions: Collection[str] = (), types: Collection[str] = ()
    ) -> Inventory:
        """What is there now: of these accounts, regions and asset types (none: all)."""
        with reading(self._engine) as connection:
            return assets.inventory(connection, accounts, regions, types)

    def assets_called(self, named: str, most: int) -> list[KnownAsset]:
        """The assets of this uid, or whose uids end in it, at most so many; those that are gone, too."""
        with reading(self._engine) as connection:
            return assets.called(connection, named, most)

    def asset_history(self, uid: str) -> list[HistoryEntry]:
        """What became of the asset since it was first seen, the first first."""
        with reading(self._engine) as connection:
            return assets.history(connection, uid)


def _setting(connection: Connection, name: str) -> str | None:
    return connection.execute(select(tables.settings.c.value).where(tables.settings.c.name == name)).scalar()


def _set_setting(connection: Connection, name: str, value: str) -> None:
    connection.execute(tables.settings.delete().where(tables.settings.c.name == name))
    connection.execute(tables.settings.insert(), {"name": name, "value": value})


def _enter(connection: Connection, arrival: Arrival) -> bool:
    """Enters all but the findings, if the object is not there."""
    entry = arrival.entry
    if connection.execute(select(1).where(tables.objects.c.uid == entry.uid)).first() is not None:
        return False
    row = asdict(entry) | {"path": storable(entry.path), "ingested_at": entry.ingested_at or _now()}
    row["lake_files"] = json.dumps([asdict(file) for file in entry.lake_files])
    connection.execute(tables.objects.insert(), row)
    if arrival.refusals:
        refused = [
            {"object_uid": entry.uid, "number": n, "offset": each.offset, "reason": storable(each.reason)}
            for n, each in enumerate(arrival.refusals)
        ]
        connection.execute(tables.refusals.insert(), refused)
    if arrival.matches:
        matches.add(connection, arrival.matches, entry.uid)
    return True


def _entry(row: Row[Any]) -> ObjectEntry:
    return ObjectEntry(**{**row._mapping, "lake_files": _files(row.lake_files)})


def _files(text: str) -> tuple[LakeFile, ...]:
    return tuple(LakeFile(**file) for file in json.loads(text))


def _noted(batch: Iterable[Finding], uids: set[str]) -> Iterator[Finding]:
    """The findings, their uids entered as they pass."""
    for finding in batch:
        uids.add(finding.uid)
        yield finding


def _in_pieces(values: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(values)
    while some := list(islice(source, size)):
        yield some


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
