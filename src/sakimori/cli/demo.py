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
Where to look next (in {place}; your own data is elsewhere):

  export SAKIMORI_HOME={place}

  {program} explain {uid}
      why the first of them was raised, record by record
  {program} hunt "SELECT time_dt, api.operation FROM cloudtrail WHERE src_endpoint.ip = '{attacker}' ORDER BY 1"
      everything that the attacker did
  {program} coverage {logs} --until {until} --public-key {key}
      whether every log file is there and unchanged
  {program} rules list
      what is looked for, and how each rule argues

and then your own logs:

  {program} detect s3://YOUR-TRAIL-BUCKET/AWSLogs/ --since {since}
  {program} doctor
      what that still needs"""


def demo(
    events: Annotated[int, typer.Option(min=1_000, max=1_000_000, help="How many ordinary calls.")] = 30_000,
    day: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="The day of the logs. Default: yesterday.")] = "",
) -> None:
    """Make a day of sample logs with an attack in them, and find it.

    The logs are of a shop that does not exist, and lie in a folder of their own: nothing of yours is read or changed.
    """
    from sakimori.simulate.intrusion import ATTACKER

    chosen = moment(day, "--day")
    when = chosen.date() if chosen else _yesterday()
    place = home() / "demo"
    logs, key = place / "logs", place / "cloudtrail-public-key.pem"
    _make(place, logs, key, when, events)
    os.environ["SAKIMORI_HOME"] = str(place)
    os.environ.pop("SAKIMORI_LEDGER", None)
    _sakimori("detect", str(logs), "--min-severity", "medium", "--format", "table")
    typer.echo(STORY.format(attacker=ATTACKER))
    _sakimori("collect", "cloudtrail", str(logs))
    hints = {
        "place": shlex.quote(str(place)),
        "program": _program(),
        "uid": _some_uid(),
        "attacker": ATTACKER,
        "logs": shlex.quote(str(logs)),
        "key": shlex.quote(str(key)),
        "until": f"{when + timedelta(days=1):%Y-%m-%d}",
        "since": f"{_yesterday():%Y-%m-%d}",
    }
    typer.echo(NEXT.format_map(hints))


def _yesterday() -> date:
    return (datetime.now(UTC) - timedelta(days=1)).date()


def _make(place: Path, logs: Path, key: Path, day: date, events: int) -> None:
    """The sample logs, new in a folder that holds the demonstration and nothing else."""
    from sakimori.simulate.samples import write_day

    typer.echo(f"Making the logs of a day at an online shop that does not exist, in {place}", err=True)
    if place.exists() and not key.exists():
        typer.echo(
            f"failed: {place} holds something else: move it away, or choose another place with SAKIMORI_HOME", err=True
        )
        raise typer.Exit(FAILED)
    try:
        if place.exists():
            shutil.rmtree(place)
        place.mkdir(parents=True)
        key.touch()  # from here on the folder is known to be ours
        written = write_day(logs, day, events=events)
        key.write_bytes(written.public_key)
    except OSError as error:
        typer.echo(f"failed: cannot write {place}: {error.strerror}; choose another place with SAKIMORI_HOME", err=True)
        raise typer.Exit(FAILED) from None
    attack = len(written.attack)
    typer.echo(f"{written.events:,} logged calls in {written.files} files; {attack} of them are an attack\n", err=True)


def _sakimori(*words: str) -> None:
    """Runs the program itself, as a user would type it; where that fails, the demonstration ends with its exit code."""
    typer.echo(f"$ {_program()} {shlex.join(words)}", err=True)
    sys.stdout.flush()
    code = subprocess.run([sys.executable, "-m", "sakimori", *words], check=False).returncode  # noqa: S603
    if code:
        raise typer.Exit(code)


def _some_uid() -> str:
    """The beginning of a finding's uid, as the table shows it; the word UID where nothing was found."""
    from sakimori.cli.remembered import recall

    return next(iter(recall("")), "UID")[:8]


def _program() -> str:
    """What to type to run Sakimori here: its name if that is on PATH, else where it is."""
    name = Path(sys.argv[0])
    if name.name != "sakimori":
        return f"{Path(sys.executable).name} -m sakimori"
    if shutil.which("sakimori") == str(name):
        return "sakimori"
    return os.path.relpath(name)
