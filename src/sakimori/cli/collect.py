"""`sakimori collect`: logs into the lake, each object exactly once."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sakimori.cli.detect import NoPackOption, RulesOption
from sakimori.cli.home import lake_folder, ledger_place

if TYPE_CHECKING:
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
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes; each holds one object in memory.", show_default="one a core")] = (
        os.cpu_count() or 1
    ),
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

    An object that was collected before is passed over; one that cannot be read is named, and tried again the next time.
    Stopped at any moment, the same command goes on where it was. Exit code 3 if anything could not be read.
    """
    if follow and len(paths) != 1:
        raise typer.BadParameter("--follow takes one s3:// prefix, queue URL or queue ARN", param_hint="PATH")
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
        _write_stats(stats, stats_of(report, taking))
    if taking.refused or not report.complete:
        raise typer.Exit(INCOMPLETE)


@dataclass(slots=True)
class Taking:
    """What is taken in: the objects under the paths given, and what is there besides."""

    refused: int = 0
    skipped: int = 0
    done: int = 0
    records: int = 0

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

    def take(self, objects: Iterable[SourceObject], done: Callable[[Ingested], None] | None = None) -> IngestReport:
        """One run over these objects; `done` is told of each."""
        from sakimori.collect.ingest import ingest

        def note(one: Ingested) -> None:
            self.taking.note(one)
            if self.watch is not None:
                self.watch.note(one)
            if done is not None:
                done(one)

        if self.watch is None:
            return ingest(objects, self.lake, self.ledger, workers=self.workers, progress=note)
        self.watch.begin(self.ledger)
        report = ingest(
            objects, self.lake, self.ledger, workers=self.workers, progress=note, observe=self.watch.observe
        )
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
    """Takes in what comes, batch by batch, until it is interrupted."""
    from sakimori.collect.follow import follow
    from sakimori.collect.ingest import IngestReport, is_collected

    total = IngestReport()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    for batch in follow(place, poll_seconds=poll, stop=stop):
        for refusal in batch.refusals:
            intake.taking.refused += 1
            intake.taking.refuse(str(refusal))
        if not batch.objects:
            continue
        report = intake.take(batch.objects)
        for source in batch.objects:
            if is_collected(source, intake.ledger):
                batch.commit(source)
        total.add(report)
        _say(summary(report, intake.taking))
    return total


def _write_stats(place: Path, numbers: dict[str, object]) -> None:
    try:
        place.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        _say(f"failed: cannot write {place}: {error.strerror}; the logs are collected all the same")
        raise typer.Exit(FAILED) from None


def stats_of(report: IngestReport, taking: Taking) -> dict[str, object]:
    """The run in numbers, for programs."""
    numbers = asdict(report)
    peak = numbers.pop("peak_bytes")
    return numbers | {"refused": report.refused + taking.refused, "skipped": taking.skipped, "peak_memory_bytes": peak}


def summary(report: IngestReport, taking: Taking) -> str:
    """The run in one line, for people."""
    parts = [f"{report.records:,} records of {report.ingested:,} objects collected"]
    if report.findings:
        parts.append(f"{report.findings:,} findings raised or seen again")
    if report.known:
        parts.append(f"{report.known:,} objects were there already")
    if taking.skipped:
        parts.append(f"{taking.skipped:,} files are no logs (digests, metadata)")
    if refused := report.refused + taking.refused:
        parts.append(f"{refused:,} refused, named above")
    return ("\r\x1b[K" if sys.stderr.isatty() else "") + "; ".join(parts)


def _failures() -> tuple[type[Exception], ...]:
    from sakimori.collect.ingest import IngestError
    from sakimori.store.lake import LakeError
    from sakimori.store.ledger import LedgerError

    return IngestError, LakeError, LedgerError


def _say(text: str) -> None:
    typer.echo(text, err=True)
