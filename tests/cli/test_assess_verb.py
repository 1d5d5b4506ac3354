"""`sakimori assess network` and `sakimori explain` of what it finds."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from test_reach_verb import EVERYTHING, answers
from typer.testing import CliRunner, Result

from japanese_told import told_in_japanese
from sakimori.cli import app
from sakimori.discover.batfish import add_answers
from sakimori.model.asset import Inventory
from sakimori.model.finding import Finding
from sakimori.store.discovered import Ended, Scope, Seen
from sakimori.store.ledger import open_ledger


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SAKIMORI_LEDGER", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def discovered(found: dict[str, list[dict[str, Any]]], home: Path) -> None:
    """Fills the ledger as a discovery does."""
    inventory = Inventory()
    add_answers(inventory, copy.deepcopy(found), "111122223333", "eu-west-1")
    scope = Scope("111122223333", "eu-west-1", "ec2")
    whole = frozenset(asset.type for asset in inventory) | {"AWS::EC2::NetworkAcl"}
    with open_ledger(home / "home" / "ledger.sqlite") as ledger:
        run = ledger.begin_discovery("test")
        ledger.record(run, [Seen(scope, list(inventory)), Ended(scope, whole, set(), [])])
        ledger.end_discovery(run)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["assess", "network", *arguments])


def findings(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def kept(home: Path, uid: str) -> Finding:
    with open_ledger(home / "home" / "ledger.sqlite") as ledger:
        found = ledger.finding(uid)
    assert found is not None
    return found.finding


def statuses(home: Path) -> dict[str, str]:
    with open_ledger(home / "home" / "ledger.sqlite") as ledger:
        return {each.finding.asset.rpartition("/")[2]: each.status.value for each in ledger.findings()}


def test_exposure_is_a_finding_with_ports_path_and_witness(home: Path) -> None:
    discovered(answers(), home)
    result = run("--fail-on", "medium")
    (found,) = findings(result)
    assert result.exit_code == 1
    assert found["class_uid"] == 2003
    assert found["asset"] == "arn:aws:ec2:eu-west-1:111122223333:instance/i-a"
    assert found["evidence"]["ports"] == ["tcp/22"]
    assert found["evidence"]["open_to"] == ["8.0.0.0/8"]
    assert found["evidence"]["path"] == ["internet", "igw-1", "vpc-1", "subnet-a", "i-a"]
    assert found["evidence"]["packet"]["dst_port"] == 22
    assert "1 asset exposed, 2 interfaces" in result.stderr
    told = told_in_japanese(kept(home, found["uid"]))
    assert told["title"] == "インスタンス i-a (web) がインターネットから到達できる: tcp/22"


def test_findings_resolve_by_themselves_and_reopen(home: Path) -> None:
    discovered(answers(), home)
    run()
    assert statuses(home) == {"i-a": "New"}
    closed = answers()
    closed["SecurityGroups"][0]["IpPermissions"] = []
    discovered(closed, home)
    assert findings(run()) == []
    assert statuses(home) == {"i-a": "Resolved"}
    discovered(answers(), home)
    run()
    assert statuses(home) == {"i-a": "New"}


def test_what_cannot_be_decided_resolves_nothing(home: Path) -> None:
    discovered(answers(), home)
    run()
    blind = answers()
    blind["NetworkAcls"] = []
    discovered(blind, home)
    result = run()
    assert result.exit_code == 3
    assert "the network ACL of subnet-a is not in the snapshot" in result.stderr
    assert statuses(home) == {"i-a": "New"}


def test_assertions_are_proved_and_violations_are_findings(home: Path) -> None:
    discovered(answers(), home)
    (home / "assertions").mkdir()
    (home / "assertions" / "net.yaml").write_text(
        "- {id: b-is-inside, assert: no path from internet to id:i-b}\n"
        "- {id: a-is-inside, assert: no path from internet to id:i-a, severity: critical, why: An inner server.}\n"
    )
    result = run()
    assert "held: b-is-inside: 1 packet class" in result.stderr
    assert "violated: a-is-inside: 1 packet class, 1 violation" in result.stderr
    worst = findings(result)[0]
    assert (worst["rule"], worst["severity"]) == ("network/assertion/a-is-inside", "Critical")
    assert worst["description"] == "An inner server."
    told = told_in_japanese(kept(home, worst["uid"]), "title", "description")
    assert told["title"].endswith(" (web) がネットワークの取り決めに違反している: no path from internet to id:i-a")
    assert told["description"] == "An inner server."


def test_a_slip_in_an_assertion_is_named_and_the_rest_goes_on(home: Path) -> None:
    discovered(answers(), home)
    place = home / "net.yaml"
    place.write_text("- no way from internet to id:i-b\n- no path from internet to id:i-b\n")
    result = run("--assertions", str(place))
    assert result.exit_code == 3
    assert "entry 1: `no way from internet to id:i-b` is no assertion" in result.stderr
    assert "held: no path from internet to id:i-b" in result.stderr


def rules(home: Path) -> dict[str, tuple[str, str]]:
    """The status of each assertion's finding, and why it has it."""
    with open_ledger(home / "home" / "ledger.sqlite") as ledger:
        told = {each.finding.rule: each for each in ledger.findings()}
        return {
            rule.removeprefix("network/assertion/"): (each.status, ledger.status_history(each.finding.uid)[-1].note)
            for rule, each in told.items()
            if rule != "network/internet_exposure"
        }


def test_the_findings_of_an_assertion_that_was_taken_out_are_resolved(home: Path) -> None:
    discovered(answers(), home)
    (home / "assertions").mkdir()
    place = home / "assertions" / "net.yaml"
    both = (
        "- {id: one, assert: no path from internet to id:i-a}\n- {id: two, assert: no path from internet to id:i-a}\n"
    )
    place.write_text(both)
    run()
    assert rules(home) == {"one": ("New", "first seen"), "two": ("New", "first seen")}
    place.write_text(both.splitlines()[1])
    assert run().exit_code == 0
    why = f"resolved: its assertion is no longer in {home / 'assertions'}"
    assert rules(home) == {"one": ("Resolved", why), "two": ("New", "first seen")}
    place.write_text(both)
    run()
    assert rules(home)["one"] == ("New", "reopened: it was seen again")
    place.write_text("")  # none are left
    assert run().exit_code == 0
    assert {status for status, _ in rules(home).values()} == {"Resolved"}


@pytest.mark.parametrize("slip", ["- {id: one, assert: no way from internet to id:i-a}\n", "- [\n", None])
def test_assertions_that_were_not_read_resolve_nothing(home: Path, slip: str | None) -> None:
    discovered(answers(), home)
    (home / "assertions").mkdir()
    place = home / "assertions" / "net.yaml"
    place.write_text("- {id: one, assert: no path from internet to id:i-a}\n")
    run()
    if slip is None:
        place.unlink()
        place.parent.rmdir()
    else:
        place.write_text(slip)
    result = run()
    assert result.exit_code == 3
    assert "not evaluated: one: was not read, so its findings stay open" in result.stderr
    assert rules(home) == {"one": ("New", "first seen")}


def test_findings_end_with_their_assets(home: Path) -> None:
    """Also where nothing could be evaluated, and where an assertion's end names nothing any more."""
    discovered(answers(), home)
    (home / "assertions").mkdir()
    (home / "assertions" / "net.yaml").write_text("- {id: one, assert: no path from internet to id:i-a}\n")
    run()
    smaller = answers()
    smaller["Reservations"][0]["Instances"] = [
        each for each in smaller["Reservations"][0]["Instances"] if each["InstanceId"] != "i-a"
    ]
    smaller["NetworkInterfaces"] = [
        each for each in smaller["NetworkInterfaces"] if each.get("Attachment", {}).get("InstanceId") != "i-a"
    ]
    discovered(smaller, home)
    result = run()
    assert "nothing in the inventory is id:i-a" in result.stderr
    assert statuses(home) == {"i-a": "Resolved"}
    assert rules(home)["one"][1].startswith("resolved: its asset is gone since 20")


@pytest.mark.parametrize("offline", [True, False])
def test_explain_asks_again(home: Path, offline: bool) -> None:
    if offline:
        folder = home / "snap" / "aws_configs"
        folder.mkdir(parents=True)
        for key, items in answers().items():
            (folder / f"{key}.json").write_text(json.dumps({key: items}))
        (found,) = findings(run("--snapshot", str(home / "snap")))
    else:
        discovered(answers(), home)
        (found,) = findings(run())
    result = CliRunner().invoke(app, ["explain", found["uid"][:10]])
    assert result.exit_code == 0, result.output
    assert "Asked again, it is as it was:" in result.stdout
    assert "security group sg-a/ingress/tcp/22/8.0.0.0/8" in result.stdout
    told = json.loads(CliRunner().invoke(app, ["explain", found["uid"], "--json"]).stdout)
    assert told["again"]["answer"] == "reachable"
    assert told["finding"]["uid"] == found["uid"]


def test_explain_says_when_it_is_no_longer_so(home: Path) -> None:
    discovered(answers(), home)
    (found,) = findings(run())
    closed = answers()
    closed["SecurityGroups"][0]["IpPermissions"] = []
    discovered(closed, home)
    told = CliRunner().invoke(app, ["explain", found["uid"]]).stdout
    assert "Asked again:\nNo: nothing that was asked about gets from the internet to instance i-a (web)." in told


def test_ocsf_is_a_compliance_finding(home: Path) -> None:
    discovered(answers(), home)
    event = json.loads(run("--format", "ocsf").stdout)
    assert event["class_uid"] == 2003
    assert event["compliance"]["control"] == "network/internet_exposure"


def test_everything_open_is_said_shortly(home: Path) -> None:
    opened = answers()
    opened["SecurityGroups"][0]["IpPermissions"] = [EVERYTHING]
    discovered(opened, home)
    (found,) = findings(run())
    assert found["evidence"]["ports"] == ["all"]
    assert found["evidence"]["open_to"] == ["anywhere"]
    assert found["severity"] == "High"


def test_without_an_inventory_it_says_what_to_do(home: Path) -> None:
    result = run()
    assert result.exit_code == 4
    assert "sakimori discover" in result.stderr
