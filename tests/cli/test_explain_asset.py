"""`sakimori explain ASSET`: what an asset is, what it hangs together with, and what became of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from sakimori.cli import app
from sakimori.model.asset import Asset, Relation
from sakimori.store.ledger import Ended, Ledger, Scope, Seen, open_ledger

ACCOUNT = "111122223333"
HERE = Scope(ACCOUNT, "eu-west-1", "vpc")
KIND = "AWS::EC2::SecurityGroup"
SSH = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def explain(*words: str) -> Result:
    return CliRunner().invoke(app, ["explain", *words])


def group(id: str, name: str, *rules: dict[str, Any], region: str = "eu-west-1") -> Asset:
    arn = f"arn:aws:ec2:{region}:{ACCOUNT}:security-group/{id}"
    return Asset(arn, KIND, ACCOUNT, region, {"GroupId": id, "IpPermissions": list(rules)}, {"Name": name}, name)


def discovery(ledger: Ledger, source: str, *assets: Asset, ties: tuple[Relation, ...] = ()) -> None:
    number = ledger.begin_discovery(source)
    ledger.record(number, [Seen(HERE, assets, ties), Ended(HERE, [KIND])])
    ledger.end_discovery(number)


@pytest.fixture(autouse=True)
def three_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path))
    monkeypatch.delenv("SAKIMORI_LEDGER", raising=False)
    web, bastion = group("sg-1", "web"), group("sg-2", "bas\x1b[2Jtion")
    allows = Relation(web.uid, "allows", bastion.uid)
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        discovery(ledger, "aws", web, bastion, ties=(allows,))
        discovery(ledger, "/snapshots/tuesday", group("sg-1", "shop", SSH), bastion, ties=(allows,))
        discovery(ledger, "aws", group("sg-1", "shop", SSH), ties=(allows,))


def test_what_changed_when_and_in_which_run() -> None:
    done = explain("sg-1")
    assert done.exit_code == 0, done.output
    told = done.stdout.splitlines()
    assert told[0].split() == ["asset", group("sg-1", "").uid]
    assert next(line for line in told if line.startswith("status")).split() == ["status", "there"]
    assert f"  allows {group('sg-2', '').uid}" in told
    at = next(index for index, line in enumerate(told) if "changed" in line)
    assert told[at].endswith("changed  (discovery 2: /snapshots/tuesday)")
    assert told[at + 1].startswith('      IpPermissions: + {"IpProtocol":"tcp","FromPort":22,')
    assert told[at + 2] == '      tags.Name: "web" -> "shop"'


def test_what_is_gone_is_still_told_and_commands_no_terminal() -> None:
    done = explain(group("sg-2", "").uid)
    assert done.exit_code == 0, done.output
    assert "gone since 20" in done.stdout
    assert done.stdout.rstrip().endswith("gone  (discovery 3: aws)")
    assert f"  {group('sg-1', '').uid} allows this" in done.stdout.splitlines()
    assert "\x1b" not in done.stdout


def test_json_has_all_of_it() -> None:
    told = json.loads(explain("sg-1", "--json").stdout)
    assert told["asset"]["config"] == {"GroupId": "sg-1", "IpPermissions": [SSH]}
    assert (told["gone_at"], told["changed_at"] >= told["first_seen"]) == ("", True)
    (entry,) = told["history"]
    assert (entry["event"], entry["run"], entry["source"]) == ("changed", 2, "/snapshots/tuesday")
    assert entry["changes"] == [
        {"path": "IpPermissions", "removed": [], "added": [SSH]},
        {"path": "tags.Name", "before": "web", "after": "shop"},
    ]


def test_of_many_relations_the_assets_own_come_first(tmp_path: Path) -> None:
    web = group("sg-1", "shop", SSH)
    ties = tuple(Relation(group(f"sg-{number}", "").uid, "allows", web.uid) for number in range(100, 130))
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        discovery(ledger, "aws", web, ties=(*ties, Relation(web.uid, "in", "arn:aws:ec2:eu-west-1:1:vpc/vpc-1")))
    told = explain("sg-1").stdout.splitlines()
    at = told.index("Relations")
    assert told[at + 1] == "  in arn:aws:ec2:eu-west-1:1:vpc/vpc-1"
    assert told[at + 21] == "  and 11 more: --json has them all"
    assert len(json.loads(explain("sg-1", "--json").stdout)["relations"]) == 31


def test_an_id_in_two_places_needs_the_arn(tmp_path: Path) -> None:
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        discovery(ledger, "aws", group("sg-1", "web", region="us-east-1"))
    done = explain("sg-1")
    assert done.exit_code == 2
    assert "more than one asset is called 'sg-1'" in done.stderr
    assert explain(group("sg-1", "").uid).exit_code == 0


def test_what_is_neither_a_finding_nor_an_asset() -> None:
    done = explain("sg-3")
    assert done.exit_code == 4
    assert "no asset of that ARN or id" in done.stderr
    assert explain("sg_1").exit_code == 4  # `_` is no wildcard
