"""`sakimori demo`: a day of sample logs, the attack in it found, and where to look next."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from sakimori.cli.home import home
from sakimori.cli.moments import moment

FAILED = 4

STORY = """
What you see: at 02:11 UTC the web server's credentials are used from {attacker}, which is outside of AWS. Whoever
has them reads secrets and buckets, makes a key for a forgotten user, stops the trail, shares a snapshot with a foreign
account, and rewrites the file that tells CodeDeploy what to run on every server.
"""

NEXT = """
Where to look next (all of it in {place}; your own data is elsewhere):

  export SAKIMORI_HOME={place}
  {program} explain {uid}
      why the worst of them was raised, record by record
  {program} hunt "SELECT time_dt, api.operation FROM cloudtrail WHERE src_endpoint.ip = '{attacker}' ORDER BY 1"
      everything else that the attacker did
  {program} coverage {logs}
      whether every log file is there
  {program} rules list
      what is looked for, and how each rule argues

and then your own:

  {program} detect s3://YOUR-TRAIL-BUCKET/AWSLogs/ --since {since}
  {program} doctor
      what that still needs
"""


def demo(
    events: Annotated[int, typer.Option(min=1_000, max=1_000_000, help="How many ordinary calls.")] = 30_000,
    day: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The day of the logs. Default: yesterday.")] = "",
) -> None:
    """Make a day of sample logs with an attack in them, and find it.

    The logs are of a shop that does not exist, and lie in a folder of their own: nothing of yours is read or changed.
    """
    from sakimori.simulate.intrusion import ATTACKER

    place = home() / "demo"
    chosen = moment(day, "--day")
    logs = _made(place, chosen.date() if chosen else _yesterday(), events)
    _stop_if_failed(_sakimori(place, "detect", str(logs), "--min-severity", "medium"))
    typer.echo(STORY.format(attacker=ATTACKER))
    _stop_if_failed(_sakimori(place, "collect", "cloudtrail", str(logs)))
    typer.echo(
        NEXT.format(
            place=shlex.quote(str(place)),
            program=_program(),
            uid=_worst(place / "ledger.sqlite"),
            attacker=ATTACKER,
            logs=shlex.quote(str(logs)),
            since=f"{_yesterday():%Y-%m-%d}",
        ).strip("\n")
    )


def _yesterday() -> date:
    return (datetime.now(UTC) - timedelta(days=1)).date()


def _made(place: Path, day: date, events: int) -> Path:
    """The folder of the sample logs, new in a folder that holds the demonstration and nothing else."""
    from sakimori.simulate.samples import write_day

    typer.echo(f"Making the logs of a day at an online shop that does not exist, in {place}", err=True)
    try:
        shutil.rmtree(place, ignore_errors=True)
        written = write_day(place / "logs", day, events=events)
    except OSError as error:
        typer.echo(
            f"failed: cannot write {place}: {error.strerror}; choose another place: export SAKIMORI_HOME=/path",
            err=True,
        )
        raise typer.Exit(FAILED) from None
    typer.echo(
        f"{written.events:,} logged calls in {written.files} files; {len(written.attack)} of them are an attack\n",
        err=True,
    )
    return written.folder


def _sakimori(place: Path, *words: str) -> int:
    """Runs the program itself, with its data in `place`, and shows what was typed; returns its exit code."""
    typer.echo(f"$ {_program()} {shlex.join(words)}", err=True)
    environment = os.environ | {"SAKIMORI_HOME": str(place)}
    environment.pop("SAKIMORI_LEDGER", None)
    sys.stdout.flush()
    return subprocess.run([sys.executable, "-m", "sakimori", *words], env=environment, check=False).returncode  # noqa: S603


def _stop_if_failed(code: int) -> None:
    if code:
        raise typer.Exit(code)


def _worst(ledger: Path) -> str:
    """The uid of the worst finding; the word UID where the ledger knows none."""
    from sakimori.store.findings import FindingFilter
    from sakimori.store.ledger import open_ledger

    with open_ledger(ledger) as opened:
        found = opened.findings(FindingFilter(limit=1))
    return found[0].finding.uid if found else "UID"


def _program() -> str:
    """What to type to run Sakimori here: its name if it is on PATH, else where it is."""
    name = Path(sys.argv[0])
    if name.name != "sakimori":
        return f"{Path(sys.executable).name} -m sakimori"
    if shutil.which("sakimori") == str(name):
        return "sakimori"
    return os.path.relpath(name)
