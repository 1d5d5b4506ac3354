"""`sakimori detect`: CloudTrail logs in, findings out."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sakimori.cli.home import home
from sakimori.cli.moments import span
from sakimori.cli.output import Format, Tally, plural, printable, write
from sakimori.cli.remembered import Memory
from sakimori.model.severity import Severity

if TYPE_CHECKING:
    from sakimori.collect.sources import SourceObject
    from sakimori.detect.detection import Detector, Look, Whole
    from sakimori.detect.rulebook import Rulebook
    from sakimori.model.finding import Finding

DONE, FINDINGS, INCOMPLETE, FAILED, INTERRUPTED = 0, 1, 3, 4, 130

INLINE_BYTES = 4 << 20
"""Less than this is looked at in this process: starting another would take longer."""

RulesOption = Annotated[
    list[Path] | None, typer.Option("--rules", metavar="DIR", help="Also use the Sigma rules in this folder or file.")
]
NoPackOption = Annotated[bool, typer.Option("--no-pack", help="Leave the rules that come with Sakimori out.")]


def severity(text: str | Severity) -> Severity:
    """A severity as users type it; Typer hands a default over as it is."""
    try:
        return text if isinstance(text, Severity) else Severity.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def detect(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files, folders, globs, s3://BUCKET/PREFIX, or - for stdin.")
    ],
    rules: RulesOption = None,
    no_pack: NoPackOption = False,
    form: Annotated[Format | None, typer.Option("--format", help="Default: table on a terminal, else jsonl.")] = None,
    min_severity: Annotated[
        Severity,
        typer.Option(
            parser=severity,
            metavar="LEVEL",
            help="Leave findings below this level out.",
            show_default="informational",
        ),
    ] = Severity.INFORMATIONAL,
    fail_on: Annotated[
        Severity | None, typer.Option(parser=severity, metavar="LEVEL", help="Exit code 1 from this level on.")
    ] = None,
    since: Annotated[str, typer.Option(help="Only records from this time on (2026-11-20 or 2026-11-20T08:00Z).")] = "",
    until: Annotated[str, typer.Option(help="Only records before this time.")] = "",
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes.", show_default="one a core")] = (
        os.cpu_count() or 1
    ),
    stats: Annotated[Path | None, typer.Option(help="Write counts, seconds per stage and peak memory here.")] = None,
) -> None:
    """Find attacks in CloudTrail logs.

    Reads CloudTrail as S3 delivers it, EventBridge events, CloudTrail Lake exports and JSON lines, gzipped or not. What
    cannot be read is named on standard error, the rest goes on, and the exit code is 3. `sakimori explain UID` shows
    why a finding was raised.
    """
    from sakimori.collect.workers import WorkerDied

    run = Run()
    begin, end = map(_iso, span(since, until))
    try:
        book = load_rules(rules or [], pack=not no_pack)
        run.lap("rules")
        findings = _run(run, book, paths, begin, end, workers)
        if min_severity > Severity.INFORMATIONAL:
            findings = (finding for finding in findings if finding.severity >= min_severity)
        form = form or (Format.TABLE if sys.stdout.isatty() else Format.JSONL)
        with Memory(paths, rules or [], pack=not no_pack) as memory:
            tally = write(findings, form, sys.stdout, memory.keep)
        run.lap("output")
    except KeyboardInterrupt:
        _say("interrupted: nothing was written to the lake or the ledger")
        raise typer.Exit(INTERRUPTED) from None
    except WorkerDied as error:
        _say(f"failed: {error} while reading {printable(error.task.path)} (out of memory?): try with fewer --workers")
        raise typer.Exit(FAILED) from None
    except BrokenPipeError:
        raise  # what reads our output has seen enough
    except OSError as error:
        _say(f"failed: {error.strerror or error}: findings that do not fit in memory wait in the folder TMPDIR names")
        raise typer.Exit(FAILED) from None
    _say(_summary(run, book, tally))
    if stats is not None:
        _write_stats(stats, run.numbers(book, tally))
    raised = fail_on is not None and any(level >= fail_on for level in tally.severities)
    raise typer.Exit(FINDINGS if raised else INCOMPLETE if run.refused or book.errors else DONE)


def load_rules(folders: list[Path], *, pack: bool) -> Rulebook:
    """The rules of this run; those that cannot be used are named on standard error."""
    from sakimori.cli.configuration import placeholders
    from sakimori.detect import rulebook

    book = rulebook.load(folders, pack=pack, placeholders=placeholders(), cache=home() / "cache")
    for problem in book.errors:
        _say(printable(f"rule not used: {problem}"))
    if not book.metas:
        _say("no rules are in use, so nothing can be found: add --rules DIR, or leave --no-pack out")
    return book


@dataclass(slots=True)
class Run:
    """What a run does, counted and timed (seconds by the wall clock)."""

    objects: int = 0
    skipped: int = 0
    records: int = 0
    matched: int = 0
    bytes_in: int = 0
    refused: int = 0
    workers: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    whole: Whole | None = None
    """Held to the end of the process, which then takes no time to give it back: see `cli._leave`."""
    last: float = field(default_factory=time.perf_counter)

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self.last
        self.last = now

    def refuse(self, what: object) -> None:
        self.refused += 1
        _say(printable(str(what)))

    def sources(self, paths: list[str]) -> Iterator[SourceObject]:
        """The log objects under the paths; what is there besides is refused or counted."""
        from sakimori.collect.sources import Skipped, find_objects
        from sakimori.model.refusal import Refusal

        for found in find_objects(paths):
            if isinstance(found, Refusal):
                self.refuse(found)
            elif isinstance(found, Skipped):
                self.skipped += 1
            else:
                yield found

    def note(self, look: Look) -> None:
        """Counts one object that was looked at, names what it had that could not be read, shows progress."""
        self.objects += 1
        self.records += look.records
        self.matched += look.matched
        self.bytes_in += look.bytes_in
        for refusal in look.refusals:
            self.refuse(refusal)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{self.objects:,} objects, {self.records:,} records")
            sys.stderr.flush()

    def peak_bytes(self) -> int:
        """The most memory that this process and its workers can have had together."""
        from sakimori.collect.memory import peak_bytes

        largest_child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        return peak_bytes() + self.workers * largest_child * (1 if sys.platform == "darwin" else 1024)

    def numbers(self, book: Rulebook, tally: Tally) -> dict[str, Any]:
        """The run for programs."""
        return {
            "objects": self.objects,
            "skipped": self.skipped,
            "records": self.records,
            "refused": self.refused,
            "matches": self.matched,
            "findings": tally.total,
            "bytes_in": self.bytes_in,
            "seconds": {stage: round(seconds, 6) for stage, seconds in self.seconds.items()},
            "peak_memory_bytes": self.peak_bytes(),
            "rules_loaded": len(book.metas),
            "rules_refused": len(book.errors),
            "rules_skipped": len(book.problems) - len(book.errors),
        }


def _run(run: Run, book: Rulebook, paths: list[str], since: str, until: str, workers: int) -> Iterator[Finding]:
    from sakimori.detect.detection import Detector, Whole

    detector = Detector(book, since=since, until=until)
    run.lap("compile")
    run.whole = whole = Whole(book)
    for look in _looks(run, detector, list(run.sources(paths)), workers):
        run.note(look)
        whole.take(look)
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    run.lap("match")
    yield from whole.findings()
    run.lap("correlate")


def _looks(run: Run, detector: Detector, sources: list[SourceObject], workers: int) -> Iterable[Look]:
    from sakimori.collect.memory import spare_the_collector

    spare_the_collector()
    total = sum(source.size for source in sources)
    if len(sources) < 2 or total < INLINE_BYTES:
        return map(detector.look_at, sources)
    from sakimori.collect.workers import in_parallel

    run.workers = min(workers, len(sources))
    return (look for _, look in in_parallel(detector.look_at, sources, run.workers))


def _iso(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else ""


def _summary(run: Run, book: Rulebook, tally: Tally) -> str:
    parts = [f"{tally} in {plural(run.records, 'record')} of {plural(run.objects, 'object')}"]
    if run.refused:
        parts.append(f"{run.refused:,} refused, named above")
    if book.errors:
        parts.append(f"{plural(len(book.errors), 'rule')} not used, named above")
    if tally.total:
        parts.append("`sakimori explain UID` shows why")
    return "; ".join(parts)


def _write_stats(place: Path, numbers: dict[str, Any]) -> None:
    try:
        place.write_text(json.dumps(numbers, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        _say(f"failed: cannot write {place}: {error.strerror}")
        raise typer.Exit(FAILED) from None


def _say(text: str) -> None:
    typer.echo(text, err=True)
