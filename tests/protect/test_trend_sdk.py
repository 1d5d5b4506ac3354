"""Trend Micro's own SDK drives the manager: every operation in scope, every field, and the ways it is loose in."""

from __future__ import annotations

from pathlib import Path

import pytest
from served import served
from trend_judge import run

from sakimori.protect import storage
from sakimori.protect.resources import all_resources
from sakimori.store.database import connect, writing

DRIVE = Path(__file__).parent / "trend" / "drive.py"
TRAPS = Path(__file__).parent / "trend" / "traps.py"


def seed(home: Path) -> None:
    """What only agents make: rules of a ruleset, an inventory, changes of software."""
    engine = connect(home / "ledger.sqlite")
    resources = all_resources()
    with writing(engine) as connection:
        ruleset = storage.make(connection, 0, resources["rulesets"], {"name": "seeded"})
        rule = {"sha256": "ab" * 32, "action": "allow", "path": "/usr/bin/true"}
        storage.make(connection, 0, resources["rules"], rule, parent=ruleset)
        computer = storage.make(connection, 0, resources["computers"], {"hostName": "seeded"})
        for number in range(2):
            change = {"computerID": computer, "sha256": f"{number}" * 64, "fileName": "tool"}
            storage.make(connection, 0, resources["softwarechanges"], change)
        inventory = {"computerID": computer, "name": "seeded", "state": "complete"}
        made = storage.make(connection, 0, resources["softwareinventories"], inventory)
        storage.make(connection, 0, resources["items"], {"fileName": "bash"}, parent=made)
    engine.dispose()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_every_operation_in_scope(tmp_path: Path, scheme: str, capsys: pytest.CaptureFixture[str]) -> None:
    with served(tmp_path, tls=scheme == "https") as manager:
        seed(tmp_path)
        result = run(DRIVE, manager.url, manager.key, *([str(manager.ca)] if manager.ca else []))
    with capsys.disabled():
        print(
            f"\nTrend SDK over {scheme}: {result['passed']} of {result['in_scope']} operations in scope passed "
            f"({result['operations']} in the SDK), {result['fields_compared']} fields and "
            f"{result['searches_compared']} searches compared"
        )
    assert result["failed"] == {}
    assert result["missing"] == []
    assert result["passed"] == result["in_scope"] >= 200
    assert result["fields_compared"] > 5_000


def test_the_traps(tmp_path: Path) -> None:
    limits = "calls_of_key = 110\ncalls_of_tenant = 0\ncalls_of_node = 0\n"
    with served(tmp_path, settings=limits) as manager:
        found = run(TRAPS, manager.url, manager.key, str(manager.ca))
    assert found["bare criterion"] == found["text boolean"] == 3
    assert found["empty body"] == 0
    # The wildcard really finds the longer CVE too: it is for clients to look at what they got.
    assert found["wildcard CVE"] == sorted(
        ["['CVE-2016-721']", "['CVE-2016-7214']", "['CVE-2016-721', 'CVE-2021-44228']"]
    )
    assert found["enum values"] == ["inactive", "off"]
    assert found["message"] == [404, {"message": "there is no Computer with ID 1000000000"}]
    total, largest, listed = found["pages"]
    assert (total, largest) == (listed, 7)
    assert found["Authorization"] == 1
    assert (found["no key"], found["wrong key"]) == (401, 401)
    assert "SSLError" in found["unknown authority"]
    status, (wait, message) = found["429"]
    assert (status, message) == (429, "Too many API requests.")
    assert 1 <= int(wait) <= 60
