"""The ledger's database: SQLite or PostgreSQL, opened, locked and brought to this version's schema."""

from __future__ import annotations

import functools
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Table,
    Text,
    TextClause,
    any_,
    cast,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

SCHEMA = "0015"
"""The newest migration in `migrations/versions`."""

BUSY_SECONDS = 60
CACHE = "cache_size=-32768"
"""Kibibytes of pages that a connection keeps: findings touch pages all over the ledger."""
_LOCK = 0x5A_4B_4D_52  # the advisory lock that Sakimori's writers take on PostgreSQL: "ZKMR", any fixed number does


class LedgerError(Exception):
    """The ledger cannot be opened, read or written; the message says what, where, why and what to do."""


def connect(place: str | Path) -> Engine:
    """The database at a file path or URL, with its schema brought up to date. Raises LedgerError.

    `sqlite:///...`, `postgresql://user@host/name` (through psycopg 3) or a path.
    """
    engine = _engine(place)
    with explained(engine):
        _migrate(engine)
    return engine


def _engine(place: str | Path) -> Engine:
    if isinstance(place, Path) or "://" not in place:
        path = Path(place).absolute()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(
                f"cannot make the folder of the ledger, {path.parent}: {error.strerror}; "
                "choose another place with SAKIMORI_HOME"
            ) from error
        place = f"sqlite:///{path}"
    try:
        url = make_url(place)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        engine = create_engine(url, pool_pre_ping=url.get_backend_name() != "sqlite")
    except (ArgumentError, NoSuchModuleError) as error:
        raise LedgerError(f"no ledger can be kept there: {error}; give a path, sqlite:/// or postgresql://") from error
    except ModuleNotFoundError as error:
        raise LedgerError(f"a PostgreSQL ledger needs the package {error.name}: install sakimori[postgres]") from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Readers never wait for the writer (WAL); a power cut may cost the last commits, which a re-run repeats."""
    connection.isolation_level = None  # the driver's own transactions leave out reads and DDL: ours begin in `begin`
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "synchronous=NORMAL", "foreign_keys=ON", CACHE):
        connection.execute(f"PRAGMA {pragma}")
    _switch_to_wal(connection, time.monotonic() + BUSY_SECONDS)


def _switch_to_wal(connection: Any, deadline: float) -> None:
    """SQLite does not wait for its lock here: while another process makes the same new ledger, it is asked again."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    """Writers lock at once: two that read first and then write would fail each other."""
    reads = connection.get_execution_options().get("reads", False)
    if reads:
        _sqlite(connection).execute("BEGIN")
    else:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _sqlite(connection: Connection) -> sqlite3.Connection:
    found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view."""
    with explained(engine), engine.connect().execution_options(reads=True) as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, alone among Sakimori's writers: it happens as a whole or not at all."""
    with explained(engine), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        yield connection


def fetched(connection: Connection, sql: str, parameters: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The rows that a SELECT with `:names` finds, within a transaction that `reading` or `writing` began.

    What is asked thousands of times a second goes to SQLite as it stands: SQLAlchemy takes longer than the answer.
    """
    if connection.dialect.name == "sqlite":
        return _sqlite(connection).execute(sql, parameters)
    return map(tuple, connection.execute(_text(sql), parameters))


@functools.lru_cache(maxsize=1_000)
def _text(sql: str) -> TextClause:
    """The same SQL is read once."""
    return text(sql)


def among(connection: Connection, column: Column[str], values: Sequence[str]) -> ColumnElement[bool]:
    """The condition that a text is one of these, however many: they are one parameter."""
    if connection.dialect.name == "postgresql":
        return column == any_(cast(list(values), postgresql.ARRAY(Text)))
    each = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(each.c.value))


def insert_new(connection: Connection, table: Table) -> Any:
    """INSERT that leaves a row alone whose key is there already."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def insert_rows(
    connection: Connection, statement: Insert, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Inserts many rows of plain values, which have these columns, without a look at every value where that can be.

    SQLAlchemy takes longer to make a row ready than SQLite to store it.
    """
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(names))
    if compiled.positiontup == list(names):
        connection.exec_driver_sql(str(compiled), list(rows))
    else:  # a driver that wants names
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


def _migrate(engine: Engine) -> None:
    """Runs what migrations are due. Refuses a ledger that a newer version has migrated."""
    with reading(engine) as connection:
        found = _schema_of(connection)
    if found == SCHEMA:
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with writing(engine) as connection:
        found = _schema_of(connection)  # another process may have been quicker
        if found is not None and found > SCHEMA:
            raise LedgerError(
                f"the ledger at {_shown(engine)} has schema {found}, made by a newer Sakimori than this one, which "
                f"knows schema {SCHEMA}: upgrade Sakimori, or restore the backup from before the upgrade"
            )
        config.attributes["connection"] = connection
        command.upgrade(config, SCHEMA)


def _schema_of(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


@contextmanager
def explained(engine: Engine) -> Iterator[None]:
    """The database's errors as LedgerErrors that say what to do."""
    try:
        yield
    except DBAPIError as error:
        raise LedgerError(f"the ledger at {_shown(engine)}: {_advice(str(error.orig))}") from error
    except sqlite3.Error as error:  # from where SQLite is asked without SQLAlchemy
        raise LedgerError(f"the ledger at {_shown(engine)}: {_advice(str(error))}") from error
    except SQLAlchemyError as error:
        raise LedgerError(f"the ledger at {_shown(engine)}: {error}") from error


def _advice(reason: str) -> str:
    reason = " ".join(reason.split())
    advice = {
        "disk is full": "free some space and run the same command again; nothing was lost",
        "disk I/O error": "check the disk (full, or failing) and run the same command again; nothing was lost",
        "readonly": "make it and its folder writable, or choose another place with SAKIMORI_HOME",
        "unable to open": "make its folder writable, or choose another place with SAKIMORI_HOME",
        "not a database": "this file is something else: move it away, or choose another place with SAKIMORI_HOME",
        "malformed": "the file is damaged: restore it from a backup",
        "database is locked": f"another process has been writing for {BUSY_SECONDS} seconds: wait for it, or end it",
    }
    told = next((what for sign, what in advice.items() if sign in reason), "see to that and run the command again")
    return f"{reason}: {told}"


def _shown(engine: Engine) -> str:
    """Where it is, without its password."""
    return engine.url.database or "" if engine.dialect.name == "sqlite" else str(engine.url)
