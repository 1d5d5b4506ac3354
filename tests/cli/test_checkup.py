"""The doctor says what is there, what is not, and what to type; and asks nobody without need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sakimori.cli import checkup
from sakimori.cli.checkup import Check, State
from sakimori.store.database import SCHEMA
from sakimori.store.ledger import open_ledger


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))


def look(home: Path) -> dict[str, Check]:
    return {check.name: check for check in checkup.checks(home, home / "ledger.sqlite", home / "lake")}


def test_a_fresh_machine_is_fine_but_empty(tmp_path: Path) -> None:
    found = look(tmp_path / "new")
    assert {name for name, check in found.items() if check.state is State.MISSING} == set()
    for name in ("ledger", "lake", "console", "AWS"):
        assert found[name].state is State.ABSENT
        assert found[name].todo
    assert found["home"].state is State.FINE
    assert not (tmp_path / "new" / "ledger.sqlite").exists()


def test_whatever_is_not_fine_says_what_to_type(tmp_path: Path) -> None:
    for check in look(tmp_path).values():
        assert check.state is State.FINE or check.todo, check


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = look(tmp_path / "file" / "home")["home"]
    assert check.state is State.MISSING
    assert str(tmp_path / "file") in check.found
    assert "SAKIMORI_HOME" in check.todo


def test_a_ledger_at_head_is_fine_and_is_not_changed(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    open_ledger(place).close()
    found = look(tmp_path)
    assert found["ledger"].found == f"{place}: schema {SCHEMA}"
    assert found["lake"].state is State.ABSENT


def test_a_ledger_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database at all, and long enough to be read as one" * 50)
    check = look(tmp_path)["ledger"]
    assert check.state is State.MISSING
    assert "not a database" in check.found


def test_an_older_ledger_is_left_for_the_next_run_to_migrate(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('0000')")
    assert look(tmp_path)["ledger"].state is State.ABSENT
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert look(tmp_path)["ledger"].todo == "upgrade sakimori"


def test_aws_that_does_not_answer_is_named_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden-secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    check = checkup._aws()
    assert check.state is State.MISSING
    assert "http://127.0.0.1:9" in check.found
    assert check.todo
    assert "hidden-secret" not in str(check)


def test_a_check_that_breaks_hides_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken() -> Check:
        raise RuntimeError("half installed")

    monkeypatch.setattr(checkup, "_rules", broken)
    found = look(tmp_path)
    assert found["rules"].state is State.MISSING
    assert "half installed" in found["rules"].found
    assert "AWS" in found


@pytest.mark.parametrize(
    ("requirement", "name"), [("moto[server]>=5 ; python_version<'4'", "moto"), ("a-b.c", "a-b.c")]
)
def test_names_of_requirements(requirement: str, name: str) -> None:
    assert checkup._package(requirement) == name


@pytest.mark.parametrize(("count", "shown"), [(0, "0 B"), (1536, "1.5 KB"), (5 << 40, "5.0 TB")])
def test_sizes_for_people(count: int, shown: str) -> None:
    assert checkup.size(count) == shown


def test_the_console_says_who_may_sign_in(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from sakimori.console import people

    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        database = ledger._engine
        secret = people.invite(database, "kaede", datetime.now(UTC))
        assert look(tmp_path)["console"].state is State.ABSENT
        people.accept(database, secret, "quiet lantern over the river", datetime.now(UTC), people.Lasting())
    found = look(tmp_path)["console"]
    assert (found.state, found.found) == (State.FINE, "http://127.0.0.1:8471: kaede may sign in")


def test_settings_of_the_console_that_are_wrong_are_told_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    (tmp_path / "sakimori.toml").write_text('[console.serve]\nhost = "0.0.0.0"\n')
    found = look(tmp_path)["console"]
    wrong = "[console.serve] listens everywhere: say by which address people reach it (address)"
    assert (found.state, found.found) == (State.MISSING, wrong)
