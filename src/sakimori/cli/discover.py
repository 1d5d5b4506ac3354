"""`sakimori discover`: what is in the accounts, and the name of everything that could not be seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sakimori.cli.discover_output import OutcomeFormat, outcome_lines, summary
from sakimori.cli.home import ledger_place
from sakimori.cli.progress import ProgressLine

if TYPE_CHECKING:
    from sakimori.discover.declare import Service
    from sakimori.discover.live import Plan
    from sakimori.discover.offline import Within
    from sakimori.discover.record import Outcome
    from sakimori.model.asset import NotEvaluated
    from sakimori.store.ledger import Ledger

INCOMPLETE, FAILED, INTERRUPTED = 3, 4, 130


def discover(
    accounts: Annotated[
        str, typer.Option(help="all of the organisation, or ID,ID,... Default: our own account.", metavar="all|ID,...")
    ] = "",
    regions: Annotated[
        str, typer.Option(help="Only these regions, by commas. Default: all that are enabled.", metavar="REGION,...")
    ] = "",
    services: Annotated[
        str, typer.Option(help="Only these services, by commas. Default: all.", metavar="SERVICE,...")
    ] = "",
    last_used: Annotated[
        bool,
        typer.Option(
            "--last-used",
            help="Also ask IAM which services and actions each user and role has used: three calls or so for each.",
        ),
    ] = False,
    role: Annotated[str, typer.Option(help="The role to assume in accounts other than our own.")] = "",
    external_id: Annotated[str, typer.Option(help="The external id that the role asks for.")] = "",
    snapshot_out: Annotated[
        Path | None, typer.Option(help="Also write all answers to this new folder.", metavar="DIR")
    ] = None,
    snapshot: Annotated[
        Path | None, typer.Option(help="Read a folder of answers instead of AWS.", metavar="DIR")
    ] = None,
    config_export: Annotated[
        Path | None,
        typer.Option(
            help="Read AWS Config's snapshots, histories or query results, a file or a folder, instead of AWS.",
            metavar="PLACE",
        ),
    ] = None,
    form: Annotated[
        OutcomeFormat, typer.Option("--format", help="How to write the account of it.")
    ] = OutcomeFormat.TABLE,
    ledger: Annotated[
        str, typer.Option(help="The ledger's file or database URL. Default: in SAKIMORI_HOME.", metavar="FILE_OR_URL")
    ] = "",
) -> None:
    """Find out what is in your accounts: assets and how they hang together.

    Everything goes into the ledger; run again, it updates, marks as gone what is gone, and keeps what changed and when.
    Nothing is changed in the accounts. Ends with every account as complete or with what is missing; exit code 3 if
    anything could not be evaluated. `sakimori doctor --iam` prints the permissions that it needs.
    """
    if sum(each is not None for each in (snapshot, snapshot_out, config_export)) > 1:
        raise typer.BadParameter("take one of --snapshot, --snapshot-out and --config-export", param_hint="--snapshot")
    from sakimori.discover.offline import Within

    chosen = _chosen(_split(services), last_used=last_used)
    account_ids = _split(accounts)
    _check_accounts(account_ids, role, offline=bool(snapshot or config_export))
    try:
        with _ledger(ledger) as opened:
            if snapshot or config_export:
                outcome = _from_files(opened, snapshot, config_export, chosen, Within(account_ids, _split(regions)))
            else:
                outcome = _from_aws(opened, account_ids, _split(regions), role, external_id, chosen, snapshot_out)
    except KeyboardInterrupt:
        _say("interrupted: what was found is kept, and nothing was marked as gone that was not looked for")
        raise typer.Exit(INTERRUPTED) from None
    except _failures() as error:
        _say(f"failed: {error}")
        raise typer.Exit(FAILED) from None
    for line in outcome_lines(outcome, form):
        typer.echo(line)
    _say(summary(outcome))
    if not outcome.complete:
        raise typer.Exit(INCOMPLETE)


def _from_aws(
    ledger: Ledger,
    accounts: list[str],
    regions: list[str],
    role: str,
    external_id: str,
    chosen: dict[str, Service],
    snapshot_out: Path | None,
) -> Outcome:
    from sakimori.aws.clients import Clients
    from sakimori.discover.engine import discover, units
    from sakimori.discover.live import LiveSource, Wanted, plan
    from sakimori.discover.record import record
    from sakimori.discover.snapshot import Recording

    with Clients() as clients, ProgressLine() as progress:
        progress.show("signing in")
        planned = plan(clients, Wanted(accounts, regions, role, external_id))
        planned.not_evaluated += _unusable(planned.home.account, chosen)
        _warn(planned, regions)
        wanted = list(units(planned.places, chosen, planned.home.account))
        source = LiveSource(clients, planned.keys)
        home = planned.home
        recording = snapshot_out and Recording(source, snapshot_out, home.partition, home.account)
        with recording or nullcontext(source) as asked:
            if recording:
                recording.not_evaluated += planned.not_evaluated
            found = discover(asked, wanted)
            with _closing(found):
                outcome = record(
                    found,
                    ledger,
                    "aws",
                    planned.not_evaluated,
                    progress=lambda so_far: progress.show(_counts(so_far, len(wanted), clients.calls)),
                )
    outcome.left_out, outcome.names = planned.left_out, planned.names
    return outcome


def _from_files(
    ledger: Ledger, snapshot: Path | None, config_export: Path | None, chosen: dict[str, Service], within: Within
) -> Outcome:
    from sakimori.discover.offline import found_in_config_export, found_in_snapshot
    from sakimori.discover.record import record
    from sakimori.model.asset import GLOBAL, NotEvaluated

    with ProgressLine() as progress:
        if snapshot is not None:
            found, missing, units = found_in_snapshot(snapshot, chosen, within)
        else:
            assert config_export is not None
            found, missing, units = found_in_config_export(config_export, chosen, within)
        place, missing = str(snapshot or config_export), [*missing, *_unusable("", chosen)]
        if not units and not missing:
            why = "it holds nothing of these accounts, regions and services"
            missing.append(NotEvaluated("", "", GLOBAL, place, "NotInSnapshot", why))
        return record(found, ledger, place, missing, progress=lambda so_far: progress.show(_counts(so_far, units, 0)))


@contextmanager
def _closing(found: Iterator[object]) -> Iterator[None]:
    try:
        yield
    finally:
        found.close()  # type: ignore[attr-defined]  # a generator


def _unusable(account: str, chosen: dict[str, Service]) -> list[NotEvaluated]:
    """Plug-ins that would be asked, too, if they could be."""
    from sakimori.discover.services import broken, services
    from sakimori.model.asset import GLOBAL, NotEvaluated

    found = broken() if len(chosen) == len(services()) else []
    return [NotEvaluated(f"{each.name}:*", account, GLOBAL, "", "PluginFailed", each.reason) for each in found]


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _chosen(names: list[str], *, last_used: bool = False) -> dict[str, Service]:
    from sakimori.discover.last_used import asking
    from sakimori.discover.services import broken, services

    known = services()
    unknown = [name for name in names if name not in known]
    for each in broken():
        if each.name in unknown:
            raise typer.BadParameter(each.reason, param_hint="--services")
    if unknown:
        raise typer.BadParameter(
            f"no such service: {', '.join(unknown)}; there are {', '.join(known)}", param_hint="--services"
        )
    chosen = {name: service for name, service in known.items() if not names or name in names}
    if last_used and "iam" not in chosen:
        raise typer.BadParameter("users and roles are IAM's: add iam to --services", param_hint="--last-used")
    return {**chosen, "iam": asking(chosen["iam"])} if last_used else chosen


def _check_accounts(accounts: list[str], role: str, *, offline: bool) -> None:
    wrong = [each for each in accounts if each != "all" and not (each.isdigit() and len(each) == 12)]
    if wrong:
        raise typer.BadParameter(
            f"{wrong[0]!r} is no account number: give twelve digits, or all", param_hint="--accounts"
        )
    if ("all" in accounts or len(accounts) > 1) and not role and not offline:
        raise typer.BadParameter(
            "name the role that may be assumed in the other accounts with --role", param_hint="--accounts"
        )


def _warn(planned: Plan, regions: list[str]) -> None:
    seen = {place.region for place in planned.places}
    for region in regions:
        if region not in seen and planned.places:
            _say(f"note: {region} is not enabled in any of the accounts: nothing is asked there")


def _ledger(place: str) -> Ledger:
    from sakimori.store.ledger import open_ledger

    return open_ledger(place or ledger_place())


def _failures() -> tuple[type[Exception], ...]:
    from sakimori.aws.errors import AwsError
    from sakimori.discover.snapshot import SnapshotError
    from sakimori.store.ledger import LedgerError

    return AwsError, SnapshotError, LedgerError


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _counts(outcome: Outcome, units: int, calls: int) -> str:
    told = f"{outcome.units.total():,} of {units:,} services in accounts and regions, {outcome.assets.total():,} assets"
    told += f", {calls:,} calls" if calls else ""
    return f"{told}, {len(outcome.not_evaluated):,} not evaluated"
