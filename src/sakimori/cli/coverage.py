"""`sakimori coverage`: nothing was missed, or the name of everything that was."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sakimori.cli.coverage_output import ReportFormat, report_lines, summary
from sakimori.cli.home import lake_folder, ledger_place
from sakimori.cli.moments import span
from sakimori.cli.output import plural
from sakimori.cli.progress import ProgressLine

if TYPE_CHECKING:
    from sakimori.collect.coverage.bucket import FolderBucket, S3Bucket
    from sakimori.collect.coverage.engine import Scope
    from sakimori.collect.coverage.public_keys import KeySource
    from sakimori.collect.coverage.report import CoverageReport
    from sakimori.store.ledger import Ledger

INCOMPLETE, FAILED, INTERRUPTED = 3, 4, 130


def coverage(
    place: Annotated[
        str, typer.Argument(metavar="BUCKET_OR_FOLDER", help="s3://BUCKET[/PREFIX], or a folder with a mirror of it.")
    ],
    since: Annotated[
        str, typer.Option(help="Only log files from this time on (2026-11-20 or 2026-11-20T08:00Z).")
    ] = "",
    until: Annotated[str, typer.Option(help="Only log files before this time. For an archive: when it ends.")] = "",
    account: Annotated[list[str] | None, typer.Option(help="Only this account; may be repeated.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Only this region; may be repeated.")] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(
            help="CloudTrail's public keys, to work offline: `aws cloudtrail list-public-keys > FILE`, or PEM."
        ),
    ] = None,
    form: Annotated[ReportFormat, typer.Option("--format", help="How to write the report.")] = ReportFormat.TABLE,
    ingest: Annotated[bool, typer.Option("--ingest", help="Ingest the late and never ingested files found.")] = False,
    verify: Annotated[bool, typer.Option(help="Read every log file and compare its hash with the digest's.")] = True,
    no_ledger: Annotated[bool, typer.Option("--no-ledger", help="Leave out what has been ingested.")] = False,
    lake: Annotated[Path | None, typer.Option(help="The lake's folder. Default: lake in SAKIMORI_HOME.")] = None,
    ledger: Annotated[
        str, typer.Option(help="The ledger's file or database URL. Default: in SAKIMORI_HOME.", metavar="FILE_OR_URL")
    ] = "",
    workers: Annotated[
        int, typer.Option(min=0, max=64, help="Objects to read at once. 0: 8 from S3, 1 from a folder.")
    ] = 0,
) -> None:
    """Prove that no CloudTrail log file was missed, or name every one that was.

    Reconciles what lies in the bucket, what CloudTrail's signed digests say it delivered, and what the ledger says was
    ingested, for each account and region. Exit code 3 if anything is missing, changed, unsigned, late, never ingested,
    refused in part or silent, or could not be checked.
    """
    if ingest and no_ledger:
        raise typer.BadParameter("--ingest needs the ledger: leave out --no-ledger", param_hint="--ingest")
    scope = _scope(since, until, account or (), region or ())
    bucket = _bucket(place)
    keys = _keys(public_key)
    try:
        with _ledger(None if no_ledger else ledger or ledger_place()) as opened:
            report = _report(bucket, scope, place, keys, opened, verify=verify, workers=workers)
            whole = True
            if ingest and opened is not None:
                report, whole = _ingest_found(bucket, report, opened, lake or lake_folder())
    except KeyboardInterrupt:
        _say("interrupted: what was ingested is kept; run it again for the report")
        raise typer.Exit(INTERRUPTED) from None
    except _failures() as error:
        _say(f"failed: {error}")
        raise typer.Exit(FAILED) from None
    _tell(report, form)
    if not (report.complete and whole):
        raise typer.Exit(INCOMPLETE)


def _tell(report: CoverageReport, form: ReportFormat) -> None:
    for line in report_lines(report, form):
        typer.echo(line)
    for note in report.notes:
        _say(f"note: {note}")
    _say(summary(report))


def _report(
    bucket: S3Bucket | FolderBucket,
    scope: Scope,
    place: str,
    keys: KeySource,
    ledger: Ledger | None,
    *,
    verify: bool,
    workers: int,
) -> CoverageReport:
    from sakimori.collect.coverage.engine import assess_coverage
    from sakimori.collect.coverage.ingested import ingested_from

    taken = None if ledger is None else ingested_from(ledger, bucket)
    with ProgressLine() as progress:
        return assess_coverage(
            bucket,
            scope,
            place=place,
            keys=keys,
            ingested=taken,
            verify=verify,
            # A local disk answers at once: more threads would only wait for each other.
            workers=workers or (8 if bucket.name else 1),
            progress=lambda what, done: progress.show(f"{what}: {done:,} files read"),
        )


def _ingest_found(
    bucket: S3Bucket | FolderBucket, report: CoverageReport, ledger: Ledger, lake: Path
) -> tuple[CoverageReport, bool]:
    """Ingests the late and never ingested files; the report without those, and whether all their records were good."""
    from sakimori.collect.coverage.ingested import to_ingest, without
    from sakimori.collect.ingest import Ingested, ingest
    from sakimori.detect.detection import Detector
    from sakimori.detect.rulebook import Rulebook
    from sakimori.store.lake import open_lake

    done: list[str] = []

    def note(one: Ingested) -> None:
        if one.uid:
            done.append(one.source.path)
        for refusal in one.refusals:
            _say(f"refused: {refusal}")

    observer = Detector(Rulebook(()))
    outcome = ingest(to_ingest(bucket, report), open_lake(lake), ledger, progress=note, observe=observer)
    _say(f"ingested {plural(len(done), 'file')}, {plural(outcome.records, 'record')}")
    return without(report, bucket, done), outcome.complete


def _scope(since: str, until: str, accounts: list[str] | tuple[()], regions: list[str] | tuple[()]) -> Scope:
    from sakimori.collect.coverage.engine import Scope
    from sakimori.collect.coverage.window import Window

    return Scope(Window(datetime.now(UTC), *span(since, until)), frozenset(accounts), frozenset(regions))


def _bucket(place: str) -> S3Bucket | FolderBucket:
    from sakimori.collect.coverage.bucket import FolderBucket, S3Bucket

    if not place.startswith("s3://"):
        folder = Path(place)
        if not folder.is_dir():
            raise typer.BadParameter(f"{place}: no such folder", param_hint="BUCKET_OR_FOLDER")
        return FolderBucket(folder)
    from sakimori.aws.errors import AwsError
    from sakimori.aws.objects import split_uri
    from sakimori.aws.session import client

    try:
        name, prefix = split_uri(place)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="BUCKET_OR_FOLDER") from None
    if "AWSLogs" in prefix.split("/"):
        raise typer.BadParameter(
            f"{place}: stop before AWSLogs/, and narrow down with --account and --region", param_hint="BUCKET_OR_FOLDER"
        )
    try:
        return S3Bucket(client("s3"), name, f"{prefix.rstrip('/')}/" if prefix.strip("/") else "")
    except AwsError as error:
        _say(f"failed: {error}")
        raise typer.Exit(FAILED) from None


def _keys(file: Path | None) -> KeySource:
    from sakimori.collect.coverage.public_keys import PublicKeyError, keys_from_cloudtrail, keys_from_file

    if file is not None:
        try:
            return keys_from_file(file)
        except PublicKeyError as error:
            raise typer.BadParameter(str(error), param_hint="--public-key") from None
    from sakimori.aws.session import client

    return keys_from_cloudtrail(lambda region: client("cloudtrail", region=region))


def _ledger(place: str | Path | None) -> AbstractContextManager[Ledger | None]:
    if place is None:
        return nullcontext()
    from sakimori.store.ledger import open_ledger

    return open_ledger(place)


def _failures() -> tuple[type[Exception], ...]:
    from sakimori.aws.errors import AwsError
    from sakimori.collect.coverage.bucket import BucketError
    from sakimori.collect.ingest import IngestError
    from sakimori.store.lake import LakeError
    from sakimori.store.ledger import LedgerError

    return AwsError, BucketError, IngestError, LakeError, LedgerError


def _say(text: str) -> None:
    typer.echo(text, err=True)
