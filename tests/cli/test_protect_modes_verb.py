"""`sakimori protect promote`, `demote`, `undo`, `modes`, `events`, `verdict` and `gaps`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import orjson
import pytest
from click.testing import Result
from sqlalchemy import insert, update
from typer.testing import CliRunner

from japanese_told import told_in_japanese
from sakimori.cli import app
from sakimori.protect import outcomes, storage, tables
from sakimori.protect.manager import Manager
from sakimori.protect.resources import all_resources
from sakimori.store.database import connect, writing
from sakimori.store.ledger import Ledger

DAY = 86_400_000


@pytest.fixture(autouse=True)
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manager's ledger: a policy in detect for 30 days, with a rule, on a computer whose agent watches."""
    monkeypatch.setenv("SAKIMORI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SAKIMORI_LEDGER", raising=False)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "home" / "ledger.sqlite"
    engine = connect(path)
    Manager(engine).prepare()
    resources = all_resources()
    with writing(engine) as connection:
        module = {"state": "detect", "ruleIDs": [1001]}
        web = {"name": "Web servers", "parentID": 1, "intrusionPrevention": module}
        policy = storage.make(connection, 0, resources["policies"], web)
        machine = {"instanceID": "i-0a51", "accountID": "111122223333", "availabilityZone": "eu-west-1a"}
        computer = {"hostName": "web-1", "policyID": policy, "ec2VirtualMachineSummary": machine}
        id = storage.make(connection, 0, resources["computers"], computer)
        status = orjson.dumps({"modules": {"intrusionPrevention": {"state": "detect"}}}).decode()
        agent = {"tenant": 0, "computer": id, "guid": "g", "secret": "", "status": status, "last_seen": 1 << 50}
        rest = {"address": "", "isolated": 0, "policy_requested": 0, "policy_sent": 0}
        connection.execute(insert(tables.agents), agent | rest)
        connection.execute(update(tables.modes).values(at=tables.modes.c.at - 30 * DAY))
        event = {"module": "intrusionPrevention", "key": "1", "ruleID": 1001, "message": "${jndi:ldap://203.0.113.9/a}"}
        outcomes.add_events(connection, 0, id, [event])
    engine.dispose()
    return path


def protect(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["protect", *arguments])


def test_from_detect_to_prevent_and_back() -> None:
    refused = protect("promote", "log4j_jndi_lookup", "--policy", "web servers", "--after", "14d")
    assert refused.exit_code == 1
    assert "1 events that nobody has judged in 14 days, and 0 are allowed" in refused.stdout
    (event,) = (json.loads(line) for line in protect("events", "--unjudged", "--json").stdout.splitlines())
    assert event["ruleID"] == 1001
    assert protect("verdict", str(event["ID"]), "true-positive", "--note", "a scanner").exit_code == 0
    assert protect("events", "--unjudged").stdout == ""

    dry = protect("promote", "SKM-1001", "--policy", "2", "--dry-run")
    assert dry.exit_code == 0
    assert "would be         prevent; nothing was changed" in dry.stdout
    done = protect("promote", "SKM-1001", "--policy", "2", "--why", "quiet", "--json")
    assert done.exit_code == 0
    decision = json.loads(done.stdout)
    assert (decision["decision"], decision["evidence"]["true_positives"]) == ("changed", 1)
    assert decision["evidence"]["days"] == pytest.approx(30, abs=0.1)

    shown = protect("modes", "--policy", "Web servers").stdout
    assert "rule/1001/action" in shown
    assert "inherited -> drop" in shown
    undone = protect("undo", str(decision["change"]), "--why", "a customer called")
    assert undone.exit_code == 0
    assert "rule/1001/action in policies/2 is inherited again" in undone.stderr
    again = protect("undo", str(decision["change"]))
    assert again.exit_code == 4
    assert "it was changed again since" in again.stderr
    assert protect("demote", "1001", "--policy", "2").exit_code == 1


def test_the_manager_finds_them_by_itself_while_it_runs(ledger: Path) -> None:
    engine = connect(ledger)
    with writing(engine) as connection:
        connection.execute(update(tables.agents).values(last_seen=1))
    manager = Manager(engine)
    manager.task_engine.step()
    from sakimori.store.ledger import open_ledger

    with open_ledger(ledger) as known:
        assert known.findings() == [], "not before agents had time to report"
        manager.task_engine._gaps_due = 0
        manager.task_engine.step()
        (finding,) = known.findings()
    assert finding.finding.remediation == "Install or start the agent on it."
    assert finding.finding.evidence["agentStatus"] == "error"
    engine.dispose()


def test_slips_are_named() -> None:
    wrong = protect("promote", "1001", "--policy", "2", "--after", "a while")
    assert wrong.exit_code == 2
    assert "'a while' is not a length of time" in wrong.stderr
    nobody = protect("promote", "nothing", "--policy", "2")
    assert nobody.exit_code == 4
    assert "there is no intrusion prevention or firewall rule and no module 'nothing'" in nobody.stderr
    assert protect("verdict", "1", "maybe").exit_code == 2
    assert protect("verdict", "99", "none").exit_code == 4


def test_what_is_not_enforced_is_a_finding_until_it_is(ledger: Path) -> None:
    assert protect("gaps").stdout == ""
    engine = connect(ledger)
    said = {"modules": {"intrusionPrevention": {"state": "off", "message": "no netfilter queue in this kernel"}}}
    with writing(engine) as connection:
        connection.execute(update(tables.agents).values(status=json.dumps(said)))
    (finding,) = (json.loads(line) for line in protect("gaps", "--format", "jsonl").stdout.splitlines())
    assert finding["asset"] == "arn:aws:ec2:eu-west-1:111122223333:instance/i-0a51"
    assert finding["title"] == "web-1 does not enforce what its policy says: intrusion prevention"
    kept = Ledger(engine).finding(finding["uid"])
    assert kept is not None
    assert told_in_japanese(kept.finding)["title"] == "web-1 でポリシーが定めた保護が動作していない: 侵入防御"
    assert "no netfilter queue in this kernel" in finding["evidence"]["modules"][0]["message"]
    told = CliRunner().invoke(app, ["explain", finding["uid"][:10]])
    assert (told.exit_code, told.stderr) == (0, "")
    assert "intrusionPrevention  wanted detect, runs off: On, Detect" in told.stdout
    with writing(engine) as connection:
        connection.execute(
            update(tables.agents).values(status=json.dumps({"modules": {"intrusionPrevention": {"state": "detect"}}}))
        )
    engine.dispose()
    told = CliRunner().invoke(app, ["explain", finding["uid"], "--json"])
    assert (told.exit_code, json.loads(told.stdout)["again"]) == (0, {"open": False, "modules": []})
    assert protect("gaps").stdout == ""
    from sakimori.store.ledger import open_ledger

    with open_ledger(ledger) as known:
        (stored,) = known.findings()
    assert stored.status.value == "Resolved"


def test_prevention_behind_an_engine_that_only_taps_is_a_gap(ledger: Path) -> None:
    engine = connect(ledger)
    policies = all_resources()["policies"]
    with writing(engine) as connection:
        said = {"modules": {"intrusionPrevention": {"state": "prevent"}}}
        connection.execute(update(tables.agents).values(status=json.dumps(said)))
        (policy,) = [id for id in storage.all_ids(connection, 0, "policies") if id != 1]
        body = storage.get(connection, 0, policies, policy)
        body["intrusionPrevention"] = {**body["intrusionPrevention"], "state": "prevent"}
        storage.replace(connection, 0, policies, policy, body)
    assert protect("gaps").stdout == "", "an engine that nobody has set follows the state"
    assert protect("demote", "firewall", "--policy", str(policy)).exit_code == 1, "it is in detect"
    with writing(engine) as connection:
        body["policySettings"] = {"firewallSettingNetworkEngineMode": "Tap"}
        storage.replace(connection, 0, policies, policy, body)
    engine.dispose()
    (finding,) = (json.loads(line) for line in protect("gaps", "--format", "jsonl").stdout.splitlines())
    assert "the network engine only taps, so that nothing is stopped" in finding["evidence"]["modules"][0]["message"]
