"""Manager, simulated agent and client together, over verified HTTPS: scans, changes on disk, logs, auto-apply."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from described_hosts import corpus_hosts
from plain_recommend import needed
from served import Served, served

from clamav import BAD, LONGEST, NAME, clamd, needs_clamd
from sakimori.protect import client_errors as errors
from sakimori.protect import client_tasks as tasks
from sakimori.protect.catalogue import reading
from sakimori.protect.client import Client, Settings, host, policy
from sakimori.protect.client_answers import Change
from sakimori.protect.client_undo import undo
from sakimori.protect.host import Package, Service
from sakimori.protect.recommend import fitting
from sakimori.simulate.agent import SimulatedAgent
from sakimori.simulate.host import SimulatedHost

CATALOGUE = reading.load()
INSTANCE = "i-0a51c7d2e8f900001"
DISK = {
    "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "etc/passwd": "root:x:0:0\n",
    "etc/ssh/sshd_config": "Port 22\n",
    "var/lib/dpkg/status": "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\n",
    "var/log/auth.log": "Nov 25 08:00:00 web1 sshd[9]: Server listening on 0.0.0.0 port 22.\n",
    "var/www/html/index.php": "<?php ?>",
}
AUTO = "{}SettingAutoApplyRecommendationsEnabled"


@dataclass
class Setup:
    served: Served
    client: Client
    agent: SimulatedAgent
    root: Path
    policy: int
    computer: int

    def running(self) -> threading.Thread:
        """The agent beats until what the test does in the meantime is over."""
        self.over = threading.Event()

        def beat() -> None:
            while not self.over.wait(0.1):
                self.agent.beat()

        thread = threading.Thread(target=beat)
        thread.start()
        return thread

    def scan(self, kind: tasks.Kind) -> int:
        thread = self.running()
        try:
            return tasks.run(self.client, kind, self.computer, seconds=120)
        finally:
            self.over.set()
            thread.join()

    def events(self, module: str) -> list[dict[str, object]]:
        query = {"module": module, "limit": 1000, "computerID": self.computer}
        found: list[dict[str, object]] = self.client.call("GET", "/sakimori/events", query=query)["events"]
        return found


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("manager")) as running:
        yield running


@pytest.fixture
def setup(manager: Served, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Setup]:
    root = tmp_path / "disk"
    for path, text in DISK.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    name = request.node.name[:60]
    machine = SimulatedHost(
        name,
        root,
        instance_id=f"{INSTANCE}-{abs(hash(name))}",
        account="111122223333",
        packages=(Package("maven", "org.apache.logging.log4j:log4j-core", "2.14.1"),),
        services=(Service(22), Service(443, product="citrix-netscaler", version="14.1.40.1")),
    )
    with (
        Client(Settings(manager.url, manager.key, ca_file=str(manager.ca))) as client,
        SimulatedAgent(machine, manager.url, tmp_path / "agent.json", ca_file=manager.ca) as agent,
    ):
        made = client.call("POST", "/policies", body={"name": name, "parentID": 1}, repeatable=False)
        computer = agent.enrol(manager.key, policy=made["ID"])
        yield Setup(manager, client, agent, root, made["ID"], computer)


def test_a_recommendation_scan_finds_exactly_what_the_host_needs(setup: Setup) -> None:
    setup.scan(tasks.RECOMMENDATION_SCAN)
    from sakimori.protect.host import described

    fits = fitting(described(setup.agent.host.description()), CATALOGUE).rules
    found = setup.client.assignments(host(setup.computer))
    assert found.scan_status == "valid"
    assert found.to_assign == fits & CATALOGUE.patches.keys()
    assert {CATALOGUE.patches[each].slug for each in found.to_assign} >= {"log4j_jndi_lookup", "citrix_bleed_login"}
    for module, kind in (("integrityMonitoring", CATALOGUE.integrity), ("logInspection", CATALOGUE.logs)):
        assert setup.client.assignments(host(setup.computer), module).to_assign == fits & kind.keys()


def test_an_agent_takes_the_address_as_the_client_does_with_or_without_api(setup: Setup, tmp_path: Path) -> None:
    url = f"{setup.served.url}/api"
    with SimulatedAgent(setup.agent.host, url, tmp_path / "again.json", ca_file=setup.served.ca) as again:
        assert again.enrol(setup.served.key, policy=setup.policy) == setup.computer


def test_hosts_of_the_corpus_get_what_the_plain_matcher_says(setup: Setup) -> None:
    kinds = {
        "intrusionPrevention": CATALOGUE.patches,
        "integrityMonitoring": CATALOGUE.integrity,
        "logInspection": CATALOGUE.logs,
    }
    for number, described_host in enumerate(corpus_hosts()):
        told = {"hostName": f"corpus-{number}", "host": msgspec.to_builtins(described_host)}
        enrolled = setup.client.call("POST", "/sakimori/agents", body=told, repeatable=False)
        tasks.run(setup.client, tasks.RECOMMENDATION_SCAN, enrolled["computerID"], seconds=120)
        wanted = needed(described_host, CATALOGUE)
        for module, rules in kinds.items():
            found = setup.client.assignments(host(enrolled["computerID"]), module)
            assert found.to_assign == wanted & rules.keys(), (number, module)


def test_recommendations_are_applied_and_taken_back_when_the_host_is_patched(setup: Setup) -> None:
    setup.scan(tasks.RECOMMENDATION_SCAN)
    changes = setup.client.apply_recommendations(host(setup.computer), ["intrusionPrevention"])
    assert len(changes) == 1
    before = setup.client.assignments(host(setup.computer)).assigned
    assert 1001 in before
    setup.agent.host = SimulatedHost(setup.agent.host.name, setup.root, services=(Service(22),))
    setup.scan(tasks.RECOMMENDATION_SCAN)
    assert setup.client.assignments(host(setup.computer)).to_unassign == before
    setup.client.apply_recommendations(host(setup.computer), ["intrusionPrevention"])
    assert setup.client.assignments(host(setup.computer)).assigned == frozenset()


def test_auto_apply_follows_the_policy_and_its_parents(setup: Setup) -> None:
    setting = AUTO.format("intrusionPrevention")
    assert setup.client.assignments(host(setup.computer)).assigned == frozenset()
    setup.scan(tasks.RECOMMENDATION_SCAN)
    assert setup.client.assignments(host(setup.computer)).assigned == frozenset()
    change = setup.client.set_setting(policy(1), setting, "yes")
    try:
        setup.scan(tasks.RECOMMENDATION_SCAN)
        assert 1001 in setup.client.assignments(host(setup.computer)).assigned
        setup.client.set_setting(policy(setup.policy), setting, "No")
        setup.agent.host = SimulatedHost(setup.agent.host.name, setup.root)
        setup.scan(tasks.RECOMMENDATION_SCAN)
        assert 1001 in setup.client.assignments(host(setup.computer)).assigned, "its own policy says no"
        setup.client.set_setting(policy(setup.policy), setting, "YES")
        setup.scan(tasks.RECOMMENDATION_SCAN)
        assert setup.client.assignments(host(setup.computer)).assigned == frozenset()
    finally:
        undo(setup.client, change)


def test_an_integrity_scan_compares_real_files(setup: Setup) -> None:
    rules = [rule.id for rule in CATALOGUE.integrity.values() if rule.slug in ("linux_accounts", "web_root_scripts")]
    setup.client.modify(policy(setup.policy), {"integrityMonitoring": {"state": "on"}})
    setup.client.assign(policy(setup.policy), rules, "integrityMonitoring")
    setup.scan(tasks.INTEGRITY_SCAN)
    assert setup.events("integrityMonitoring") == []
    assert setup.client.computer(setup.computer).answer["integrityMonitoring"]["lastBaselineCreated"] > 0
    (setup.root / "var/www/html/x.php").write_text("<?php system($_GET['c']); ?>")
    (setup.root / "etc/passwd").write_text("root:x:0:0\neve:x:0:0\n")
    (setup.root / "etc/hosts").write_text("no rule here watches it\n")
    setup.scan(tasks.INTEGRITY_SCAN)
    seen = {
        (event["ruleID"], event["action"], event["details"]["path"]) for event in setup.events("integrityMonitoring")
    }
    assert seen == {(rules[0], "updated", "/etc/passwd"), (rules[1], "created", "/var/www/html/x.php")}
    setup.scan(tasks.INTEGRITY_SCAN)
    assert len(setup.events("integrityMonitoring")) == 2


def test_an_integrity_scan_of_a_computer_where_it_is_off_fails_and_says_so(setup: Setup) -> None:
    with pytest.raises(errors.TaskFailed, match="integrity monitoring is off"):
        setup.scan(tasks.INTEGRITY_SCAN)
    assert setup.client.computer(setup.computer).last_integrity_scan == 0


def test_logs_are_inspected_as_they_grow(setup: Setup) -> None:
    guessing = next(rule for rule in CATALOGUE.logs.values() if rule.slug == "sshd_guessing")
    setup.client.modify(policy(setup.policy), {"logInspection": {"state": "on"}})
    setup.client.assign(policy(setup.policy), [guessing.id], "logInspection")
    setup.agent.beat()
    with (setup.root / "var/log/auth.log").open("a") as log:
        log.write("\n".join(guessing.tests.hits) + "\n")
    for _ in range(200):
        setup.agent.beat()
        if setup.events("logInspection"):
            break
        threading.Event().wait(0.1)
    rules = [event["ruleID"] for event in setup.events("logInspection")]
    assert rules.count(guessing.id) == 1
    assert set(rules) == {guessing.id, *guessing.requires}
    setup.agent.beat()
    assert len(setup.events("logInspection")) == len(rules)


def test_a_malware_scan_is_not_evaluated_and_never_done(setup: Setup) -> None:
    with pytest.raises(errors.TaskFailed, match="not evaluated"):
        setup.scan(tasks.MALWARE_SCAN)
    assert setup.client.computer(setup.computer).last_malware_scan == 0


@needs_clamd
def test_malware_in_the_hosts_files_is_found_by_a_real_scanner(setup: Setup) -> None:
    (setup.root / "var/www/html/upload.php").write_bytes(b"<?php " + BAD)
    (setup.root / "var/www/html/long.bin").write_bytes(b"x" * (LONGEST + 1))
    (setup.root / "tmp").mkdir()
    (setup.root / "tmp/excluded.php").write_bytes(BAD)
    directories = setup.client.call("GET", "/directorylists")["directoryLists"]
    tmp = next(each["ID"] for each in directories if "/tmp/" in each["items"])
    own = {"name": f"scan {setup.policy}", "scanType": "on-demand", "excludedDirectoryListID": tmp}
    made = setup.client.call("POST", "/antimalwareconfigurations", body=own, repeatable=False)["ID"]
    with clamd() as scanner:
        setup.agent.scanner = scanner
        with pytest.raises(errors.TaskFailed, match="anti-malware is off on this computer: nothing was looked at"):
            setup.scan(tasks.MALWARE_SCAN)
        on = {"antiMalware": {"state": "on", "manualScanConfigurationID": made}}
        setup.client.modify(policy(setup.policy), on)
        at = setup.scan(tasks.MALWARE_SCAN)
    assert setup.client.computer(setup.computer).last_malware_scan >= at > 0
    found = {str(event["message"]): event for event in setup.events("antiMalware")}
    hit = found.pop(f"/var/www/html/upload.php is {NAME}")
    assert (hit["action"], hit["severity"]) == ("detected", "high")
    (not_evaluated,) = found
    assert not_evaluated.startswith("not evaluated: /var/www/html/long.bin: clamd: INSTREAM size limit exceeded")
    module = setup.client.call("GET", f"/computers/{setup.computer}?expand=antiMalware")["antiMalware"]["moduleStatus"]
    assert module["agentStatus"] == "error"
    assert "scanned when a scan is asked for, and not as they are opened" in module["agentStatusMessage"]
    with pytest.raises(errors.TaskFailed, match=r"not evaluated: clamd at .* does not answer"):
        setup.scan(tasks.MALWARE_SCAN)


def test_a_security_update_brings_the_rules_that_the_manager_has(setup: Setup) -> None:
    own = setup.client.call("GET", f"/computers/{setup.computer}/integritymonitoring/assignments")["assignedRuleIDs"]
    path = f"/sakimori/computers/{setup.computer}/tasks"
    job = setup.client.call("POST", path, body={"type": "check-for-security-updates"}, repeatable=False)
    thread = setup.running()
    try:
        until = time.monotonic() + 60
        while (ended := setup.client.call("GET", f"/sakimori/tasks/{job['ID']}"))["state"] in ("queued", "running"):
            assert time.monotonic() < until
            time.sleep(0.1)
    finally:
        setup.over.set()
        thread.join()
    assert ended["state"] == "done"
    assert int(ended["message"].split()[0]) >= len(own)


def test_a_module_that_nobody_runs_is_not_protection(setup: Setup) -> None:
    setup.client.modify(policy(setup.policy), {"intrusionPrevention": {"state": "detect"}})
    setup.scan(tasks.SEND_POLICY)
    setup.agent.beat()
    found = setup.client.find_computer(instance_id=setup.agent.host.instance_id)
    assert found is not None
    (reason,) = setup.client.protection(found).reasons
    assert "intrusion prevention is set to detect and does not run" in reason
    assert "the simulated agent cannot run it" in reason


def test_it_is_isolated_and_released(setup: Setup) -> None:
    change = setup.client.isolate(setup.computer)
    assert change.before == {"isolated": False}
    for _ in range(200):
        setup.agent.beat()
        if setup.agent.state.isolated:
            break
        threading.Event().wait(0.1)
    assert setup.agent.state.isolated
    setup.client.isolate(setup.computer, isolated=False)


def test_every_cve_leads_to_exactly_the_rules_that_name_it(setup: Setup) -> None:
    for cve, patches in CATALOGUE.by_cve.items():
        assert [rule.id for rule in setup.client.rules_for_cve(cve)] == [patch.id for patch in patches], cve


def test_our_manager_takes_the_key_in_either_header(setup: Setup) -> None:
    manager = setup.served
    style = Settings(manager.url, manager.key, ca_file=str(manager.ca), key_style="authorization")
    with Client(style) as client:
        assert client.computer(setup.computer).id == setup.computer
        assert client.is_ours
    wrong = Settings(manager.url, "skm-0-1-wrong", ca_file=str(manager.ca))
    with Client(wrong) as client, pytest.raises(errors.Unauthenticated):
        client.computer(setup.computer)


def test_undo_gives_our_manager_back_as_it_was(setup: Setup) -> None:
    def described() -> list[Any]:
        paths = (f"/policies/{setup.policy}", f"/computers/{setup.computer}")
        shown = [setup.client.call("GET", path, query={"overrides": "true"}) for path in paths]
        volatile = ("tasks", "lastAgentCommunication", "lastSendPolicyRequest")
        return [{name: value for name, value in each.items() if name not in volatile} for each in shown]

    setup.client.modify(policy(setup.policy), {"description": "before"})
    before = described()
    changes: list[Change] = []
    settings = Settings(setup.served.url, setup.served.key, ca_file=str(setup.served.ca))
    with Client(settings, record=changes.append) as client:
        client.modify(policy(setup.policy), {"intrusionPrevention": {"state": "prevent"}, "description": "after"})
        client.assign(policy(setup.policy), [1001, 1002])
        client.assign(host(setup.computer), [5001], "integrityMonitoring")
        client.set_setting(policy(setup.policy), AUTO.format("logInspection"), "Yes")
        client.isolate(setup.computer)
        assert described() != before
        for change in reversed(changes[:]):
            undo(client, change)
    assert described() == before


def test_rules_of_a_cve_are_found_in_our_manager(setup: Setup) -> None:
    assert [rule.id for rule in setup.client.rules_for_cve("CVE-2021-44228")] == [1001]
    (shell,) = setup.client.rules_for_cve("CVE-2022-41040")
    assert shell.depends_on
    change = setup.client.assign(policy(setup.policy), [shell.id])
    assert change is not None
    assert set(change.after) == {shell.id, *shell.depends_on}
