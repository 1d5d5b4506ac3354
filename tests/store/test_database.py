"""Opening a ledger: migrated, shared, refused where it is newer or unusable."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import sakimori.console.tables
import sakimori.notify.tables
import sakimori.protect.tables
import sakimori.respond.tables  # noqa: F401 - puts its tables beside the others
from sakimori.store import database, tables
from sakimori.store.database import SCHEMA, connect, fetched, reading, writing
from sakimori.store.ledger import LedgerError, open_ledger


def test_migrations_give_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    engine = connect(tmp_path / "ledger.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_schema() -> None:
    versions = Path(database.__file__).parent / "migrations" / "versions"
    assert max(path.name for path in versions.glob("0*.py")).startswith(SCHEMA)


def test_what_a_firewall_did_without_a_setting_it_does_after_the_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "ledger.db"
    with monkeypatch.context() as older_version:
        older_version.setattr(database, "SCHEMA", "0010")
        connect(place).dispose()
    put = "INSERT INTO protect_objects VALUES (?, ?, 1, 0, ?)"
    own = {"settings": {"firewallSettingNetworkEngineMode": "Tap", "x": "y"}}
    with sqlite3.connect(place) as older:
        older.executemany(put, [(0, "roles", "{}"), (7, "roles", "{}"), (7, "policies/default", json.dumps(own))])
    open_ledger(place).close()
    with sqlite3.connect(place) as newer:
        found = newer.execute("SELECT tenant, body FROM protect_objects WHERE resource = 'policies/default'").fetchall()
        book = newer.execute("SELECT tenant, subject, after FROM protect_modes ORDER BY id").fetchall()
    level = {"webReputationSettingSecurityLevel": "Medium"}
    assert {tenant: json.loads(body)["settings"] for tenant, body in found} == {
        0: {"firewallSettingNetworkEngineMode": "Inline"} | level,
        7: own["settings"] | level,
    }
    assert book == [
        (0, "firewall/networkEngineMode", '"Inline"'),
        (0, "webReputation/securityLevel", '"Medium"'),
        (7, "webReputation/securityLevel", '"Medium"'),
    ]


def test_a_newer_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    place = tmp_path / "ledger.db"
    open_ledger(place).close()
    with sqlite3.connect(place) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerError, match="schema 9999, made by a newer Sakimori"):
        open_ledger(place)
    with sqlite3.connect(place) as same:
        assert same.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_many_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for opened in pool.map(open_ledger, [tmp_path / "ledger.db"] * 8):
            assert list(opened.known_objects()) == []
            opened.close()


def test_a_ledger_that_another_process_is_just_making_is_waited_for(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(open_ledger, tmp_path / "ledger.db")
        time.sleep(0.2)
        assert not opening.done()
        other.rollback()
        opening.result(timeout=30).close()
    other.close()


def test_opening_an_up_to_date_ledger_does_not_load_alembic(tmp_path: Path) -> None:
    open_ledger(tmp_path / "ledger.db").close()
    code = (
        "import sys; from sakimori.store.ledger import open_ledger; open_ledger(sys.argv[1])\n"
        "print('alembic' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "ledger.db")]
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    assert subprocess.run(command, env=environment, capture_output=True, text=True).stdout == "False\n"


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"something else" * 100)
    with pytest.raises(LedgerError, match="this file is something else"):
        open_ledger(tmp_path / "ledger.db")


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="SAKIMORI_HOME"):
        open_ledger(tmp_path)


@pytest.mark.parametrize("url", ["nonsense://x", "http://x", "sqlite:\\\\"])
def test_an_url_of_no_database(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if "://" not in url:
        open_ledger(url).close()  # a file name like any other
        return
    with pytest.raises(LedgerError, match="give a path, sqlite:/// or postgresql://"):
        open_ledger(url)


def test_a_password_never_reaches_an_error() -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(LedgerError) as caught:
        open_ledger("postgresql://sakimori:geheim@127.0.0.1:1/sakimori")
    assert "geheim" not in str(caught.value)


def test_fetched_sees_its_own_transaction_and_one_consistent_view(tmp_path: Path) -> None:
    engine = connect(tmp_path / "ledger.sqlite")
    sql, named = "SELECT kind, value FROM counted WHERE kind = :kind ORDER BY value", {"kind": "k"}
    table = "CREATE TABLE counted (kind TEXT, value INTEGER)"
    with writing(engine) as connection:
        connection.exec_driver_sql(table)
        connection.exec_driver_sql("INSERT INTO counted VALUES ('k', 1), ('other', 2)")
        assert list(fetched(connection, sql, named)) == [("k", 1)]
    with reading(engine) as before:
        assert list(fetched(before, sql, named)) == [("k", 1)]
        with writing(engine) as connection:
            connection.exec_driver_sql("INSERT INTO counted VALUES ('k', 3)")
        assert list(fetched(before, sql, named)) == [("k", 1)]
    with reading(engine) as after:
        assert list(fetched(after, sql, named)) == [("k", 1), ("k", 3)]


def test_what_sqlite_refuses_without_sqlalchemy_is_explained_too(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    with pytest.raises(LedgerError, match=f"{place}: no such table: nowhere"), reading(connect(place)) as connection:
        list(fetched(connection, "SELECT 1 FROM nowhere", {}))
