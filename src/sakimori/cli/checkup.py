"""What `sakimori doctor` looks at: one function a thing, each of which says what it found and what to type."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

SUPPORTED = ((3, 11), (3, 13))
"""The oldest and the newest Python that the lock files are made for."""

LOW_SPACE = 1 << 30


class State(StrEnum):
    """FINE; ABSENT: not there and not needed for everything; MISSING: nothing works right without it."""

    FINE = "fine"
    ABSENT = "absent"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing: what was found, and, where it is not fine, what to type."""

    name: str
    state: State
    found: str
    todo: str = ""

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "state": self.state.value, "found": self.found, "todo": self.todo}


def checks(home: Path, ledger: str | Path, lake: Path) -> Iterator[Check]:
    """Everything, one after the other, the quick ones first; changes nothing but a test file in `home`."""
    yield _python()
    yield _packages()
    yield _home(home)
    yield _guarded("ledger", lambda: _ledger(ledger))
    yield _guarded("lake", lambda: _lake(lake, ledger))
    yield _guarded("console", lambda: _console(ledger))
    yield _guarded("rules", _rules)
    yield _guarded("AWS", _aws)
    yield from _optional()


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """A check that cannot even be made is a finding of its own: a half-installed package must not hide the rest."""
    try:
        return look()
    except Exception as error:
        return Check(name, State.MISSING, f"{type(error).__name__}: {error}", "make test  (or install sakimori again)")


def _python() -> Check:
    oldest, newest = SUPPORTED
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()} ({sys.executable})"
    if not oldest <= sys.version_info[:2] <= newest:
        wanted = f"{oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]}"
        return Check("Python", State.MISSING, found, f"use Python {wanted}, for which sakimori is tested")
    return Check("Python", State.FINE, found)


def _packages() -> Check:
    try:
        wanted = metadata.requires("sakimori") or []
        version = metadata.version("sakimori")
    except metadata.PackageNotFoundError:
        return Check("packages", State.ABSENT, "sakimori runs from a folder and is not installed", "make demo")
    names = [_package(requirement) for requirement in wanted if "extra ==" not in requirement]
    missing = [name for name in names if not _installed(name)]
    if missing:
        return Check("packages", State.MISSING, f"not installed: {', '.join(missing)}", "make demo")
    return Check("packages", State.FINE, f"sakimori {version} and all {len(names)} packages that it needs")


def _package(requirement: str) -> str:
    """The name in a requirement: `moto[server]>=5; python_version < "4"` is `moto` (PEP 508)."""
    end = next((at for at, letter in enumerate(requirement) if not (letter.isalnum() or letter in "-_.")), None)
    return requirement[:end]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _home(home: Path) -> Check:
    advice = f"make {home} writable, or choose another folder: export SAKIMORI_HOME=/path"
    try:
        home.mkdir(parents=True, exist_ok=True)
        probe = home / f".doctor-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Check("home", State.MISSING, f"{home}: {error.strerror}", advice)
    free = shutil.disk_usage(home).free
    if free < LOW_SPACE:
        return Check("home", State.MISSING, f"{home}: only {size(free)} left", f"free some space: df -h {home}")
    return Check("home", State.FINE, f"{home}: writable, {size(free)} free")


def _ledger(place: str | Path) -> Check:
    from sakimori.store.database import SCHEMA

    if isinstance(place, Path) and not place.exists():
        return Check(
            "ledger", State.ABSENT, f"{place}: not there yet", "it is made by: sakimori collect cloudtrail PATH"
        )
    try:
        shown, schema = _schema(place)
    except ModuleNotFoundError as error:
        return Check("ledger", State.MISSING, f"needs the package {error.name}", "pip install 'sakimori[postgres]'")
    if schema == SCHEMA:
        return Check("ledger", State.FINE, f"{shown}: schema {schema}")
    if schema > SCHEMA:
        return Check(
            "ledger", State.MISSING, f"{shown}: schema {schema}, newer than ours ({SCHEMA})", "upgrade sakimori"
        )
    return Check(
        "ledger", State.ABSENT, f"{shown}: schema {schema or 'none'}", "brought up to date by: sakimori collect"
    )


def _schema(place: str | Path) -> tuple[str, str]:
    """Where the ledger is, without its password, and its schema ("" for none); opened to read, and not migrated."""
    from sqlalchemy import create_engine, inspect, text

    url = f"sqlite:///file:{quote(str(place))}?mode=ro&uri=true" if isinstance(place, Path) else place
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return str(place if isinstance(place, Path) else engine.url), ""
            found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return str(place if isinstance(place, Path) else engine.url), str(found or "")
    finally:
        engine.dispose()


def _lake(root: Path, place: str | Path) -> Check:
    """What the ledger says is in the lake, and whether it is there."""
    from sakimori.store.ledger import open_ledger

    empty = Check("lake", State.ABSENT, f"{root}: empty", "fill it: sakimori collect cloudtrail PATH")
    if _ledger(place).state is not State.FINE:
        return empty
    with open_ledger(place) as ledger:
        files = ledger.lake_files()
    if not files:
        return empty
    gone = [file.path for file in files if not (root / file.path).exists()]
    if gone:
        found = f"{root}: {len(gone):,} of {len(files):,} files are gone, the first is {gone[0]}"
        return Check("lake", State.MISSING, found, "restore them from a backup")
    newest = max((file.last for file in files if file.last is not None), default=None)
    when = (
        datetime.fromtimestamp(newest / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC") if newest is not None else "unknown"
    )
    rows, weight = sum(file.rows for file in files), sum(file.bytes for file in files)
    return Check("lake", State.FINE, f"{root}: {rows:,} records in {len(files):,} files, {size(weight)}; newest {when}")


def _console(place: str | Path) -> Check:
    """Where the console is, and who may sign in."""
    import typer

    from sakimori.cli.configuration import console_settings
    from sakimori.cli.up_console import reached

    try:
        where = reached(console_settings())
    except typer.BadParameter as error:
        return Check("console", State.MISSING, error.message, "sakimori.toml  (docs/console.md says what it may have)")
    nobody = Check(
        "console", State.ABSENT, f"{where}: nobody may sign in yet", "sakimori up  (it prints an invitation)"
    )
    if _ledger(place).state is not State.FINE:
        return nobody
    from sakimori.console.people import known_people
    from sakimori.store.database import connect

    database = connect(place)
    try:
        names = [each.name for each in known_people(database) if each.may_sign_in]
    finally:
        database.dispose()
    return Check("console", State.FINE, f"{where}: {', '.join(names)} may sign in") if names else nobody


def _rules() -> Check:
    from sakimori.detect import rulebook

    book = rulebook.load()
    found = f"{len(book.metas)} loaded, {len(book.errors)} refused"
    if book.errors:
        return Check("rules", State.MISSING, f"{found}; the first: {book.errors[0]}", "sakimori rules lint")
    if not book.metas:
        return Check(
            "rules", State.MISSING, f"none in {rulebook.PACK}: the installation is damaged", "install it again"
        )
    return Check("rules", State.FINE, found)


def _aws() -> Check:
    """Asks AWS who we are, if there are credentials; waits a short while, for the answer may be that there is none."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    from sakimori.aws.errors import AwsError, asking

    try:
        session = boto3.Session()
        credentials = session.get_credentials()
    except BotoCoreError as error:
        return Check("AWS", State.MISSING, str(error), "check AWS_PROFILE and ~/.aws/config")
    if credentials is None:
        return Check(
            "AWS", State.ABSENT, "no credentials: files work, s3:// does not", "aws configure  (or AWS_PROFILE)"
        )
    quick = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
    region = session.region_name or "us-east-1"
    try:
        with asking("sts:GetCallerIdentity", region):
            client = session.client("sts", region_name=region, config=quick)
            identity: dict[str, Any] = client.get_caller_identity()
    except AwsError as error:
        return Check("AWS", State.MISSING, f"{error.code}: {error.message}", error.remedy)
    where = f"{session.region_name or 'no region set'}, {client.meta.endpoint_url}"
    return Check("AWS", State.FINE, f"{identity['Arn']} ({where})")


def _optional() -> Iterator[Check]:
    parts = (
        (
            "PostgreSQL driver",
            find_spec("psycopg") is not None,
            "a ledger on PostgreSQL",
            "pip install 'sakimori[postgres]'",
        ),
        (
            "PySpark",
            find_spec("pyspark") is not None,
            "rules over a lake on Spark",
            "pip install pyspark  (needs Java)",
        ),
        ("Chromium", _browser() != "", "reports as PDF", "apt-get install chromium"),
    )
    for name, there, purpose, todo in parts:
        yield Check(name, State.FINE, "there") if there else Check(name, State.ABSENT, f"only for {purpose}", todo)


def _browser() -> str:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")


def size(count: int) -> str:
    """Bytes for people: 1536 is `1.5 KB`."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024:
            return f"{amount:.1f} {unit}" if unit != "B" else f"{count} B"
        amount /= 1024
    return f"{amount:.1f} TB"
