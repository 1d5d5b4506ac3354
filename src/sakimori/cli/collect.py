"""`sakimori collect`: logs into the lake, each object exactly once."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sakimori.cli.detect import NoPackOption, RulesOption
from sakimori.cli.home import lake_folder, ledger_place

if TYPE_CHECKING:
    from sakimori.collect.follow import Batch
    from sakimori.collect.ingest import Ingested, IngestReport
    from sakimori.collect.sources import SourceObject
    from sakimori.detect.watch import Watch
    from sakimori.store.lake import Lake
    from sakimori.store.ledger import Ledger

INCOMPLETE, FAILED, INTERRUPTED = 3, 4, 130


class LogSource(StrEnum):
    """The kinds of logs that can be collected."""

    CLOUDTRAIL = "cloudtrail"


def collect(
    source: Annotated[LogSource, typer.Argument(help="What the logs are.", show_choices=True)],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files, folders, globs, s3://BUCKET/PREFIX, or - for stdin.")
    ],
    lake: Annotated[Path | None, typer.Option(help="The lake's folder. Default: lake in SAKIMORI_HOME.")] = None,
    ledger: Annotated[
        str, typer.Option(help="The ledger's file or database URL. Default: in SAKIMORI_HOME.", metavar="FILE_OR_URL")
    ] = "",
    workers: Annotated[
        int,
        typer.Option(min=1, max=256, help="Processes; each holds one object in memory.", show_default="one a core"),
    ] = (os.cpu_count() or 1),
    detect: Annotated[
        bool, typer.Option("--detect", help="Find attacks in the same pass; findings go to the ledger.")
    ] = False,
    rules: RulesOption = None,
    no_pack: NoPackOption = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Keep reading: one s3:// prefix, or an SQS queue of S3 notifications.")
    ] = False,
    poll: Annotated[float, typer.Option(min=0.1, help="Seconds between looks with --follow.")] = 30.0,
    stats: Annotated[Path | None, typer.Option(help="Write counts, seconds per stage and peak memory here.")] = None,
) -> None:
    """Bring logs into the lake, each object exactly once.

    An object that was collected before is passed over, also by --detect: `sakimori rules backtest` looks at those. What
    was refused in it is named again. One that cannot be read is named, and tried again the next time. Stopped at any
    moment, the same command goes on from there. Exit code 3 if anything could not be read, now or then.
    """
    if follow:
        _check_place(paths)
    if (rules or no_pack) and not detect:
        raise typer.BadParameter("--rules and --no-pack say what to detect with: add --detect")
    taking = Taking()
    watch = _watch(rules or [], pack=not no_pack) if detect else None
    try:
        with _opened(lake or lake_folder(), ledger or ledger_place()) as stores:
            intake = Intake(*stores, workers, watch, taking)
            report = _follow(intake, paths[0], poll) if follow else intake.take(taking.objects(paths))
    except KeyboardInterrupt:
        _say("interrupted: what was collected stays; the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None
    except _failures() as error:
        _say(f"failed: {error}")
        raise typer.Exit(FAILED) from None
    _say(summary(report, taking))
    if stats is not None:
        _write_stats(stats, stats_of(report, taking, watch))
    if taking.refused or not report.complete or (watch and watch.book.errors):
        raise typer.Exit(INCOMPLETE)


@dataclass(slots=True)
class Taking:
    """What is taken in: the objects under the paths given, and what is there besides.

    `again` holds the paths of objects that could not be read for a reason that may go by itself.
    """

    refused: int = 0
    skipped: int = 0
    done: int = 0
    records: int = 0
    again: set[str] = field(default_factory=set)

    def objects(self, paths: list[str]) -> Iterator[SourceObject]:
        from sakimori.collect.sources import Skipped, find_objects
        from sakimori.model.refusal import Refusal

        for found in find_objects(paths):
            if isinstance(found, Refusal):
                self.refused += 1
                self.refuse(str(found))
            elif isinstance(found, Skipped):
                self.skipped += 1
            else:
                yield found

    def note(self, one: Ingested) -> None:
        """Names what was refused in an object that is done, and shows on a terminal how far the work is."""
        self.done += 1
        self.records += one.records
        if one.passing:
            self.again.add(one.source.path)
        for refusal in one.refusals:
            self.refuse(str(refusal))
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{self.done:,} objects, {self.records:,} records")
            sys.stderr.flush()

    def refuse(self, what: str) -> None:
        from sakimori.cli.output import printable

        clear = "\r\x1b[K" if sys.stderr.isatty() else ""
        _say(f"{clear}{printable(what)}")


@dataclass(slots=True)
class Intake:
    """Objects into the lake, and with `watch` what is found in them into the ledger."""

    lake: Lake
    ledger: Ledger
    workers: int
    watch: Watch | None
    taking: Taking

    def take(self, objects: Iterable[SourceObject]) -> IngestReport:
        """One run over these objects."""
        from sakimori.collect.ingest import ingest
        from sakimori.collect.memory import collector_spared
        from sakimori.detect.detection import Detector
        from sakimori.detect.rulebook import Rulebook

        observer, note = self.watch.observer if self.watch else Detector(Rulebook(())), self.taking.note
        with collector_spared():
            report = ingest(objects, self.lake, self.ledger, workers=self.workers, progress=note, observe=observer)
        if self.watch is not None:
            upserted = self.watch.settle(self.ledger)
            report.findings += upserted.new + upserted.known
        return report


@contextmanager
def _opened(lake: Path, ledger: str | Path) -> Iterator[tuple[Lake, Ledger]]:
    from sakimori.store.lake import open_lake
    from sakimori.store.ledger import open_ledger

    opened = open_lake(lake)
    with open_ledger(ledger) as known:
        yield opened, known


def _watch(folders: list[Path], *, pack: bool) -> Watch:
    from sakimori.cli.detect import load_rules
    from sakimori.detect.watch import Watch

    return Watch(load_rules(folders, pack=pack))


def _follow(intake: Intake, place: str, poll: float) -> IngestReport:
    """Takes in what comes, batch by batch, until it is told to stop.

    An object is done with when it is in the lake, and also when it cannot be read and waiting does not help (it was
    deleted, access is denied): it is named, and `sakimori coverage` goes on naming it.
    """
    from sakimori.collect.follow import follow
    from sakimori.collect.ingest import IngestReport

    total = IngestReport()
    with _told_to_stop() as told:
        batches = follow(place, poll_seconds=poll, stop=told.stop)
        while (batch := told.next(batches)) is not None:
            for refusal in batch.refusals:
                intake.taking.refused += 1
                intake.taking.refuse(str(refusal))
            if not batch.objects:
                continue
            taken: list[SourceObject] = []
            intake.taking.again.clear()
            report = intake.take(told.until_then(batch.objects, taken))
            for source in taken:
                if source.path not in intake.taking.again:
                    batch.commit(source)
            total.add(report)
            _say(summary(report, intake.taking))
    return total


class _Told(BaseException):
    """SIGTERM came while there was nothing to do but wait."""


@dataclass(slots=True)
class Told:
    """SIGTERM: at once while waiting for new objects; otherwise when those in hand are in."""

    stop: threading.Event = field(default_factory=threading.Event)
    waiting: bool = False

    def hear(self, *_: object) -> None:
        self.stop.set()
        if self.waiting:
            raise _Told

    def next(self, batches: Iterator[Batch]) -> Batch | None:
        """The next batch; None when there are no more, or none are wanted."""
        try:
            self.waiting = True
            return None if self.stop.is_set() else next(batches, None)
        except _Told:
            return None
        finally:
            self.waiting = False

    def until_then(self, objects: Iterable[SourceObject], taken: list[SourceObject]) -> Iterator[SourceObject]:
        """The objects, until told to stop; those that were handed out are in `taken`."""
        for source in objects:
            if self.stop.is_set():
                return
            taken.append(source)
            yield source


@contextmanager
def _told_to_stop() -> Iterator[Told]:
    told = Told()
    before = signal.signal(signal.SIGTERM, told.hear)
    try:
        yield told
    finally:
        signal.signal(signal.SIGTERM, before)


def _check_place(paths: list[str]) -> None:
    """That there is one place to follow, of a kind that can be followed."""
    from sakimori.aws.objects import split_uri

    wanted = "--follow takes one s3://BUCKET/PREFIX, or the URL or ARN of an SQS queue"
    try:
        if len(paths) != 1 or not paths[0].startswith(("s3://", "https://", "http://", "arn:")):
            raise ValueError(wanted)
        if paths[0].startswith("s3://"):
            split_uri(paths[0])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="PATH") from None


def _write_stats(place: Path, numbers: dict[str, object]) -> None:
    try:
        place.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        _say(f"failed: cannot write {place}: {error.strerror}; the logs are collected all the same")
        raise typer.Exit(FAILED) from None


def stats_of(report: IngestReport, taking: Taking, watch: Watch | None) -> dict[str, object]:
    """The run in numbers, for programs."""
    numbers = asdict(report)
    peak = numbers.pop("peak_bytes")
    if watch is not None:
        numbers |= {"rules_loaded": len(watch.book.metas), "rules_refused": len(watch.book.errors)}
    return numbers | {"refused": report.refused + taking.refused, "skipped": taking.skipped, "peak_memory_bytes": peak}


def summary(report: IngestReport, taking: Taking) -> str:
    """The run in one line, for people."""
    from sakimori.cli.output import plural

    parts = [f"{plural(report.records, 'record')} of {plural(report.ingested, 'object')} collected"]
    if report.findings:
        parts.append(f"{plural(report.findings, 'finding')} raised or seen again")
    if report.known:
        parts.append(f"{plural(report.known, 'object')} there already")
    if taking.skipped:
        parts.append(f"{plural(taking.skipped, 'file')} passed over that hold no records (digests, metadata)")
    if refused := report.refused + taking.refused:
        parts.append(f"{refused:,} refused, named above")
    return ("\r\x1b[K" if sys.stderr.isatty() else "") + "; ".join(parts)


def _failures() -> tuple[type[Exception], ...]:
    from sakimori.aws.errors import AwsError
    from sakimori.collect.ingest import IngestError
    from sakimori.store.lake import LakeError
    from sakimori.store.ledger import LedgerError

    return IngestError, LakeError, LedgerError, AwsError, OSError


def _say(text: str) -> None:
    typer.echo(text, err=True)
