"""Source objects -> lake and ledger, each exactly once, whatever happens in between.

A worker reads an object, decodes it, writes its lake files aside and renames them into place, under names that the
object's content gives. Only then does this process enter the object in the ledger, with its refusals and matches, in
one transaction. Killed before that, the object is simply done again, and gives the same files.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from sakimori.collect.activity import NotClean, decode_clean
from sakimori.collect.cloudtrail import activity_batches
from sakimori.collect.delivery import Delivery, clean_split, exact_split, receive, stretches, whole_text
from sakimori.collect.memory import peak_bytes
from sakimori.collect.records import Split
from sakimori.collect.sources import SourceError, SourceObject
from sakimori.collect.workers import WorkerDied, in_parallel
from sakimori.model.finding import Finding
from sakimori.model.match import Match, Observed
from sakimori.model.refusal import Refusal
from sakimori.store.lake import UNKNOWN, Lake, LakeFile, pending, write_object
from sakimori.store.ledger import Arrival, Ledger, LedgerError, ObjectEntry

KIND = "cloudtrail"

COMMIT_SECONDS = 1.0
"""How long what was done may wait for others to be committed with it."""

COMMIT_FINDINGS = 10_000
"""With so many findings it does not wait."""


class Observer(Protocol):
    """Looks at objects on their way into the lake. What it observes is committed together with the object."""

    def text(self, source: SourceObject, text: bytes | bytearray) -> tuple[int, Observed] | None:
        """How many records a text has, and what is observed in them, if it is clean (`clean_text.py`) in every byte: in
        valid JSON, no key twice in any object, every field of its right type. Else None."""

    def records(self, source: SourceObject, records: Sequence[bytes]) -> Observed:
        """What is observed in records, each the JSON text of one. A large object comes in stretches."""


class IngestError(Exception):
    """The run cannot go on; the message says at which object and why. Nothing is lost: run it again."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one object. `uid` is "" if it could not be read at all, `passing` if that may go by itself;
    `known` if it had been ingested before: then `refusals` are what was refused of it at that time.

    `seconds` are those of the stages, of one process; `peak_bytes` is the largest that process has been so far.
    """

    source: SourceObject
    uid: str
    sha256: str = ""
    known: bool = False
    passing: bool = False
    bytes: int = 0
    records: int = 0
    refusals: tuple[Refusal, ...] = ()
    matches: tuple[Match, ...] = ()
    findings: Collection[Finding] = ()
    lake_files: tuple[LakeFile, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    process: int = 0
    peak_bytes: int = 0


@dataclass(slots=True)
class IngestReport:
    """A run, counted: `objects` = `ingested` + `known` + `unread`; `refused` is told again of objects that are known.

    Bytes are those delivered, seconds are summed over workers, `peak_bytes` over all processes.
    """

    objects: int = 0
    ingested: int = 0
    known: int = 0
    unread: int = 0
    records: int = 0
    refused: int = 0
    matches: int = 0
    findings: int = 0
    bytes_in: int = 0
    bytes_lake: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    wall_seconds: float = 0.0
    peak_bytes: int = 0

    @property
    def complete(self) -> bool:
        """Whether everything that was offered could be read, now or when it was ingested."""
        return not self.unread and not self.refused

    def add(self, other: IngestReport) -> None:
        """Counts another run in."""
        for name in ("objects", "ingested", "known", "unread", "records", "refused", "matches", "findings"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.bytes_in += other.bytes_in
        self.bytes_lake += other.bytes_lake
        self.wall_seconds += other.wall_seconds
        self.peak_bytes = max(self.peak_bytes, other.peak_bytes)
        for stage, seconds in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds


def ingest(
    objects: Iterable[SourceObject],
    lake: Lake,
    ledger: Ledger,
    *,
    workers: int = os.cpu_count() or 1,
    observe: Observer | None = None,
    progress: Callable[[Ingested], None] | None = None,
) -> IngestReport:
    """Brings every object that the ledger does not know into the lake; `progress` is told of each when it is done.

    What was refused in one that is known is told again, since it is still not in the lake.

    Without an observer, who also says which texts are clean, all are read the exact way, which is slow.

    At most `workers` objects are in memory. Objects that cannot be read are refused, not entered in the ledger, and
    tried again the next time. Raises LakeError, LedgerError, IngestError; what was committed stays.
    """
    report = IngestReport()
    began = time.perf_counter()
    peaks: dict[int, int] = {}

    def note(done: Ingested) -> None:
        _count(report, done, peaks)
        if progress is not None:
            progress(done)

    with pending(lake) as folder:
        tasks = _tasks(objects, ledger, report, note)
        try:
            with (
                closing(in_parallel(Ingestion(lake, folder, observe), tasks, workers)) as results,
                closing(_committed(results, ledger)) as committed,
            ):
                for done in committed:
                    note(done)
        except WorkerDied as error:
            path = error.task.source.path
            raise IngestError(
                f"{error} while ingesting {path} (out of memory?): nothing is lost, run the same command again, "
                "with fewer --workers if it was memory"
            ) from error
    report.wall_seconds = time.perf_counter() - began
    report.peak_bytes = sum((peaks | {os.getpid(): peak_bytes()}).values())
    return report


def _committed(results: Iterable[tuple[Task, Ingested]], ledger: Ledger) -> Generator[Ingested]:
    """The results, each once it is in the ledger.

    A transaction takes in those of about a second: most of what one costs is the same for many. When the run is cut
    short, what is in hand is entered before it ends.
    """
    waiting: list[Ingested] = []
    last, found = time.monotonic(), 0
    try:
        for task, done in results:
            if not done.uid or done.known:
                refused = done.known and task.known[done.uid]
                yield replace(done, refusals=tuple(ledger.refusals(done.uid))) if refused else done
                continue
            waiting.append(done)
            found += len(done.findings)
            if time.monotonic() - last > COMMIT_SECONDS or found > COMMIT_FINDINGS:
                yield from _commit(waiting, ledger)
                last, found = time.monotonic(), 0
    finally:
        ended = _commit(waiting, ledger)
    yield from ended


def _commit(waiting: list[Ingested], ledger: Ledger) -> list[Ingested]:
    """Enters what waits, and empties it. What another run has entered meanwhile was known."""
    some = list(waiting)
    began = time.perf_counter()
    try:
        arrivals = [Arrival(_entry(done), done.refusals, done.matches, done.findings) for done in some]
        entered = ledger.commit_objects(arrivals) if arrivals else []
    except LedgerError:
        waiting.clear()  # it is not tried again on the way out
        raise
    waiting.clear()
    seconds = time.perf_counter() - began
    for done in some:
        done.seconds["commit"] = seconds / len(some)
    return [
        done if new else replace(done, known=True, records=0, matches=(), findings=(), lake_files=())
        for done, new in zip(some, entered, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Task:
    """An object to ingest, and the versions of it that were ingested before: see `Ledger.versions_of`."""

    source: SourceObject
    known: dict[str, int]


def _tasks(
    objects: Iterable[SourceObject], ledger: Ledger, report: IngestReport, note: Callable[[Ingested], None]
) -> Iterator[Task]:
    for source in objects:
        report.objects += 1
        known = ledger.versions_of(_address(source))
        uid = object_uid(source, "") if source.etag else ""
        if uid in known:  # S3 said what it is: no need to read it again
            refusals = tuple(ledger.refusals(uid)) if known[uid] else ()
            note(Ingested(source, uid, known=True, refusals=refusals))
            continue
        yield Task(source, known)


def object_uid(source: SourceObject, sha256: str) -> str:
    """The identity of an object: where it is and what is in it (S3's etag, else the SHA-256 of its bytes)."""
    parts = (_address(source), source.etag or sha256)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _address(source: SourceObject) -> str:
    """`s3://bucket/key`, an absolute path, or `-`."""
    return str(Path(source.path).absolute()) if source.kind == "file" else source.path


@dataclass(frozen=True, slots=True)
class Ingestion:
    """What a worker does with a task."""

    lake: Lake
    folder: Path
    observe: Observer | None

    def __call__(self, task: Task) -> Ingested:
        """Reads, observes and writes one object. Raises LakeError and what `observe` raises."""
        clock = _Clock()
        try:
            delivery = receive(task.source, self.folder)
            clock.lap("read")
            uid = object_uid(task.source, delivery.sha256)
            done = Ingested(task.source, uid, delivery.sha256, bytes=delivery.size, process=os.getpid())
            if uid in task.known:
                done = replace(done, known=True)
            else:
                done = self._whole(done, delivery, clock) or self._in_stretches(done, delivery, clock)
            if delivery.place is not task.source:
                Path(delivery.place.path).unlink()
        except SourceError as error:
            done = Ingested(task.source, "", passing=error.passing, refusals=(error.refusal,), process=os.getpid())
        return replace(done, seconds=clock.seconds, peak_bytes=peak_bytes())

    def _whole(self, done: Ingested, delivery: Delivery, clock: _Clock) -> Ingested | None:
        """An object that is held in memory, by the quick way if it is clean. None if it is too large."""
        content = delivery.content
        decoded = None if content is None else whole_text(content, delivery.source.path)
        clock.lap("decode")
        if decoded is None:
            return None
        text = decoded.text
        observed = split = files = None
        clean = self.observe.text(delivery.source, text) if self.observe else None
        clock.lap("observe")
        if clean is not None:
            count, observed = clean
            split = clean_split(text, count)
            clock.lap("split")
        if split is not None:
            files = self._written_if_clean(done.uid, split)
            clock.lap("lake")
        if split is None or files is None or observed is None:
            split = exact_split(text, delivery.source.path)
            clock.lap("split")
            files = write_object(self.lake, self.folder, done.uid, activity_batches(split.records))
            clock.lap("lake")
            observed = self.observe.records(delivery.source, split.records) if self.observe else Observed()
            clock.lap("observe")
        return replace(
            done,
            records=len(split.records),
            refusals=(*decoded.refusals, *split.refusals),
            matches=tuple(observed.matches),
            findings=observed.findings,
            lake_files=tuple(files),
        )

    def _written_if_clean(self, uid: str, split: Split) -> list[LakeFile] | None:
        try:
            return write_object(self.lake, self.folder, uid, activity_batches(split.records, decode_clean))
        except NotClean:
            return None

    def _in_stretches(self, done: Ingested, delivery: Delivery, clock: _Clock) -> Ingested:
        """An object that is larger than memory should hold: read, observed and written a stretch at a time."""
        records = 0
        refusals: list[Refusal] = []
        matches: list[Match] = []
        findings: list[Finding] = []

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal records
            for split in stretches(delivery):
                records += len(split.records)
                refusals.extend(split.refusals)
                if self.observe:
                    observed = self.observe.records(delivery.source, split.records)
                    matches.extend(observed.matches)
                    findings.extend(observed.findings)
                yield from activity_batches(split.records)

        files = write_object(self.lake, self.folder, done.uid, batches())
        clock.lap("lake")
        return replace(
            done,
            records=records,
            refusals=tuple(refusals),
            matches=tuple(matches),
            findings=tuple(findings),
            lake_files=tuple(files),
        )


class _Clock:
    """Seconds by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._last
        self._last = now


def _entry(done: Ingested) -> ObjectEntry:
    places = [dict(part.partition("=")[::2] for part in file.path.split("/")) for file in done.lake_files]
    times = [time for file in done.lake_files for time in (file.first, file.last) if time is not None]
    return ObjectEntry(
        uid=done.uid,
        path=_address(done.source),
        kind=KIND,
        bytes=done.bytes,
        sha256=done.sha256,
        etag=done.source.etag,
        records=done.records,
        refused=len(done.refusals),
        account=places[0]["accountId"] if places else UNKNOWN,
        region=places[0]["region"] if places else UNKNOWN,
        first_event=min(times, default=None),
        last_event=max(times, default=None),
        lake_files=done.lake_files,
    )


def _count(report: IngestReport, done: Ingested, peaks: dict[int, int]) -> None:
    report.unread += not done.uid
    report.known += done.known
    report.ingested += bool(done.uid) and not done.known
    report.records += done.records
    report.refused += len(done.refusals)
    report.matches += len(done.matches)
    report.findings += len(done.findings)
    report.bytes_in += done.bytes
    report.bytes_lake += sum(file.bytes for file in done.lake_files)
    for stage, seconds in done.seconds.items():
        report.seconds[stage] = report.seconds.get(stage, 0.0) + seconds
    if done.process:
        peaks[done.process] = done.peak_bytes
