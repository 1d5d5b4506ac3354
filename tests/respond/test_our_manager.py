"""The workflows on our own manager, served over TLS, with a simulated agent that does real work on a simulated host."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import accounts
import pytest
from accounts import world_of
from served import Served, served

import told_events as told
from sakimori.collect.events import heard
from sakimori.model.action import Mode
from sakimori.protect.client import RULE_MODULES, Client, Settings, host, policy
from sakimori.protect.host import Package, Service
from sakimori.respond.book import Book
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.keys import derived
from sakimori.respond.policy import Policy
from sakimori.respond.runs import Run, RunState
from sakimori.respond.undo import undo
from sakimori.simulate.agent import SimulatedAgent
from sakimori.simulate.aws import SimulatedAws
from sakimori.simulate.host import SimulatedHost
from sakimori.store.database import connect

ON = {"integrityMonitoring": {"state": "on"}}
"""What the simulated agent can really run."""

DISK = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "etc/passwd": "root:x:0:0\n",
    "etc/ssh/sshd_config": "Port 22\n",
    "var/www/html/index.php": "<?php ?>",
}


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("manager")) as running:
        yield running


@dataclass
class Setup:
    engine: Engine
    client: Client
    instance: str
    policy: int
    computer: int

    def rules(self) -> Any:
        """All rules that are assigned right there, on the policy and on the computer."""
        return {
            (holder.path, module): sorted(self.client.assignments(holder, module, own=True).assigned)
            for holder in (policy(self.policy), host(self.computer))
            for module in RULE_MODULES
        }

    def run(self, workflow: str, document: dict[str, Any]) -> Run:
        self.engine.only = frozenset((workflow,))
        [run] = self.engine.take(heard(json.dumps(document), "test").events[0])
        self.engine.carry(run, Straight())
        return self.engine.book.run(run)


@pytest.fixture
def setup(manager: Served, aws: SimulatedAws, tmp_path: Path) -> Iterator[Setup]:
    instance, root = accounts.make_instance(aws), tmp_path / "disk"
    for path, text in DISK.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    log4j = Package("maven", "org.apache.logging.log4j:log4j-core", "2.14.1")
    machine = SimulatedHost(
        instance, root, instance_id=instance, account="1", packages=(log4j,), services=(Service(22),)
    )
    database = connect(tmp_path / "ledger.sqlite")
    over = threading.Event()
    with (
        Client(Settings(manager.url, manager.key, ca_file=str(manager.ca), patience=10)) as client,
        SimulatedAgent(machine, manager.url, tmp_path / "agent.json", ca_file=manager.ca) as agent,
    ):
        made = client.call("POST", "/policies", body={"name": instance, "parentID": 1, **ON}, repeatable=False)
        computer = agent.enrol(manager.key, policy=made["ID"])

        def beat() -> None:
            while not over.wait(0.1):
                agent.beat()

        thread = threading.Thread(target=beat)
        thread.start()
        _await_protection(client, computer)
        book = Book(database, derived(b"x" * 32, "audit"), tmp_path / "head")
        world = world_of(aws, client, patience=60)
        world.done_by = book.done_by
        try:
            yield Setup(
                Engine(book, world, Policy(Mode.AUTO), b"x" * 32, "test"), client, instance, made["ID"], computer
            )
        finally:
            over.set()
            thread.join()
            database.dispose()


def _await_protection(client: Client, computer: int) -> None:
    """The agent has its policy, and its modules do what they are set to."""
    for _ in range(200):
        found = client.protection(client.computer(computer), ("integrityMonitoring",))
        if found.is_protected:
            return
        threading.Event().wait(0.2)
    raise AssertionError(found.reasons)


def test_an_abused_instance_is_scanned_gets_what_it_needs_and_is_restored(setup: Setup) -> None:
    before = setup.rules()
    document = told.guardduty(
        "Impact:EC2/AbusedDomainRequest.Reputation", resource=told.instance_resource(setup.instance)
    )
    run = setup.run("guardduty", document)
    assert run.state is RunState.DONE, run.to_json()
    assert [action.action for action in run.actions] == [
        "recommendation-scan",
        "apply-recommendations",
        "integrity-scan",
    ]
    after = setup.rules()
    assert 1001 in after[(f"/computers/{setup.computer}", "intrusionPrevention")]
    assert (
        after[(f"/policies/{setup.policy}", "intrusionPrevention")]
        == before[(f"/policies/{setup.policy}", "intrusionPrevention")]
    )
    assert [each.undone for each in undo(setup.engine, f"{run.id}/1", "kaede")] == [True]
    assert setup.rules() == before


def test_a_module_that_only_the_policy_says_is_on_protects_nothing(setup: Setup) -> None:
    document = told.guardduty("Recon:EC2/Portscan", resource=told.instance_resource(setup.instance))
    run = setup.run("guardduty", document)
    assert (run.state, run.actions) == (RunState.OBSERVED, ())
    assert "intrusion prevention is off" in run.why


def test_a_cve_is_patched_virtually_and_withdrawn_when_it_is_fixed(setup: Setup) -> None:
    def inspector(**fields: Any) -> dict[str, Any]:
        document = told.inspector(**fields)
        document["detail"]["resources"][0]["id"] = setup.instance
        return document

    before = setup.rules()
    run = setup.run("inspector", inspector())
    assert run.state is RunState.DONE, run.to_json()
    assert "intrusion prevention does not run" in run.not_evaluated[0]
    wanted = {rule.id for rule in setup.client.rules_for_cve("CVE-2021-44228")}
    assert wanted
    assert wanted <= set(setup.rules()[(f"/policies/{setup.policy}", "intrusionPrevention")])
    closed = setup.run("inspector", inspector(status="CLOSED", updated="Thu Nov 26 08:30:00.951 UTC 2026"))
    assert [action.action for action in closed.actions] == ["withdraw-rules"]
    assert closed.state is RunState.DONE, closed.to_json()
    assert setup.rules() == before
