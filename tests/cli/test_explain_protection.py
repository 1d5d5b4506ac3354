"""A finding of the protection manager, looked at again: the gap is open, or closed, or nobody can look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from sakimori.cli.explain_protection import looked_at_again, module_lines
from sakimori.protect import storage
from sakimori.protect.resources import all_resources
from sakimori.store.database import connect, writing

FINDING = {"evidence": {"tenant": 0, "computerID": 1}}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A ledger with a computer that has anti-malware on, and no agent."""
    place = tmp_path / "ledger.sqlite"
    engine = connect(place)
    with writing(engine) as connection:
        body = {"hostName": "web-1", "policyID": 0, "antiMalware": {"state": "on"}}
        storage.make(connection, 0, all_resources()["computers"], body)
    engine.dispose()
    return place


def change(place: Path, body: dict[str, Any]) -> None:
    engine = connect(place)
    with writing(engine) as connection:
        storage.replace(connection, 0, all_resources()["computers"], 1, body)
    engine.dispose()


def test_an_open_gap_names_each_module_that_does_not_run(place: Path) -> None:
    again = looked_at_again(FINDING, place)
    assert again["open"]
    first, *modules = module_lines(again)
    assert first == "Looked at again, these do not run as its policy says:"
    assert modules == ["  antiMalware          wanted on, runs unknown: On, Real Time; no agent"]


def test_a_gap_that_is_closed_says_so(place: Path) -> None:
    change(place, {"hostName": "web-1", "policyID": 0, "antiMalware": {"state": "off"}})
    again = looked_at_again(FINDING, place)
    assert again == {"open": False, "modules": []}
    assert "The gap is closed." in module_lines(again)[0]


def test_a_computer_that_is_gone_has_no_gap(place: Path) -> None:
    assert not looked_at_again({"evidence": {"tenant": 0, "computerID": 9}}, place)["open"]
    assert not looked_at_again({"evidence": {"tenant": 7, "computerID": 1}}, place)["open"]


def test_a_ledger_that_cannot_be_read_is_a_failure_and_not_an_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"something else" * 100)
    with pytest.raises(typer.Exit) as ended:
        looked_at_again(FINDING, tmp_path / "ledger.sqlite")
    assert ended.value.exit_code == 4
    assert "this file is something else" in capsys.readouterr().err
