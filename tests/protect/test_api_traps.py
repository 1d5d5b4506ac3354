"""Where clients of this API are loose or slip, the manager takes it, says so, or refuses; never in silence."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Running, running

from sakimori.protect import search, storage
from sakimori.protect.resources import all_resources
from sakimori.store.database import writing

AUTO = "intrusionPreventionSettingAutoApplyRecommendationsEnabled"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("traps") / "ledger.sqlite", started=True) as found:
        yield found


@pytest.mark.parametrize(
    ("filter", "reason"),
    [
        ({"type": "computer"}, "needs computerID"),
        ({"type": "computer", "computerID": 0}, "needs computerID"),
        ({"type": "computer", "computerID": 77}, "no Computer with that ID"),
        ({"type": "computers-in-group"}, "needs computerGroupID"),
        ({"type": "computers-using-policy-or-subpolicy"}, "needs policyID"),
        ({"type": "computers-in-smart-folder", "smartFolderID": 1}, "no smart folders"),
        ({}, "which computers it is for"),
    ],
)
def test_a_task_for_no_computer_is_refused(here: Running, filter: dict[str, Any], reason: str) -> None:
    task = {"name": "t", "type": "send-policy", "runNow": True, "sendPolicyTaskParameters": {"computerFilter": filter}}
    status, message = here.api.refused("POST", "/scheduledtasks", task)
    assert (status, reason in message) == (400, True), message


def test_a_time_zone_that_nobody_knows_is_told_of(here: Running) -> None:
    details = {"timeZone": "Mars/Olympus", "recurrenceType": "daily"}
    task = {"name": "t", "type": "check-for-software-updates", "scheduleDetails": details}
    assert "times are in UTC" in here.api.send("POST", "/scheduledtasks", task).headers["Warning"]
    details["timeZone"] = "Europe/Berlin"
    assert "Warning" not in here.api.send("POST", "/scheduledtasks", task).headers


@pytest.mark.parametrize("value", ["Yes", "yes", "NO", "true", True, {"value": "Yes"}])
def test_yes_and_no_are_taken_however_they_are_written(here: Running, value: Any) -> None:
    answer = here.api.send("POST", "/policies/1", {"policySettings": {AUTO: value}})
    assert (answer.status_code, "Warning" in answer.headers) == (200, False)


@pytest.mark.parametrize(
    ("name", "value", "doubt"),
    [(AUTO, "perhaps", "is read as No"), ("firewallSettingNetworkEngineMode", "Sideways", "neither Inline nor Tap")],
)
def test_a_value_that_is_read_otherwise_is_kept_with_a_warning(
    here: Running, name: str, value: str, doubt: str
) -> None:
    for path, body in (
        ("/policies/1", {"policySettings": {name: value}}),
        (f"/policies/1/settings/{name}", {"value": value}),
        ("/policies/default", {name: {"value": value}}),
    ):
        answer = here.api.send("POST", path, body)
        assert (answer.status_code, doubt in answer.headers["Warning"]) == (200, True)
    assert here.api.get(f"/policies/1/settings/{name}") == {"value": value}


def test_fields_that_are_misspelt_are_named(here: Running) -> None:
    answer = here.api.send("POST", "/policies/1", {"IntrusionPrevention": {"state": "off"}})
    assert "Policy has no IntrusionPrevention: ignored" in answer.headers["Warning"]


def test_a_list_that_is_cut_says_so(here: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_ITEMS", 2)
    answer = here.api.send("POST", "/intrusionpreventionrules/search", {"maxItems": 5_000})
    assert len(answer.json()["intrusionPreventionRules"]) == 2
    assert "there may be more than these 2: page by ID" in answer.headers["Warning"]


def test_a_ruleset_is_made_from_an_inventory(here: Running) -> None:
    resources = all_resources()
    with writing(here.manager.engine) as connection:
        inventory = storage.make(connection, 0, resources["softwareinventories"], {"name": "i"})
        item = {"sha256": "ab" * 32, "fileName": "bash", "path": "/bin", "size": 7}
        storage.make(connection, 0, resources["items"], item, parent=inventory)
    made = here.api.send("POST", "/rulesets", {"name": "r"}, params={"softwareinventoryid": inventory}).json()
    (rule,) = here.api.get(f"/rulesets/{made['ID']}/rules")["applicationControlRules"]
    assert {name: rule[name] for name in ("sha256", "fileName", "path", "size", "action")} == {
        **item,
        "action": "allow",
    }
    missing = here.api.send("POST", "/rulesets", {"name": "none"}, params={"softwareinventoryid": 99})
    assert missing.status_code == 404
    assert len(here.api.get("/rulesets")["rulesets"]) == 1


def test_a_connector_is_synchronised_when_that_is_asked_for(here: Running) -> None:
    connector = here.api.post("/awsconnectors", {"displayName": "prod"})["ID"]
    here.api.post(f"/awsconnectors/{connector}", {"displayName": "production"}, params={"sync": "True"})
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = [each for each in here.api.get("/sakimori/tasks")["tasks"] if each["finished"]]
        if found:
            break
        time.sleep(0.05)
    assert [(each["type"], each["state"]) for each in found] == [("synchronize-cloud-account", "done")]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", "/computers?overrides=maybe", None, 400, "overrides must be true or false"),
        ("GET", "/computers?expand=everything", None, 400, "expand must be one of none, all"),
        ("POST", "/computers/search", {"maxItems": 0}, 400, "at least 1"),
        ("POST", "/computers/search", {"searchCriteria": {"fieldName": "hostName"}}, 400, "exactly one test"),
        (
            "POST",
            "/computers/search",
            {"searchCriteria": {"fieldName": "x", "stringValue": "a"}},
            400,
            "cannot be searched",
        ),
        ("POST", "/computers/1/scan", {}, 404, "there is nothing at /api/computers/1/scan"),
        ("PATCH", "/computers/1", {}, 405, "what is: DELETE, GET, POST"),
        ("GET", "/computers/99999999999999999999", None, 404, "computerID is a number"),
        ("POST", "/policies/1/intrusionprevention/assignments", {}, 400, "ruleIDs"),
        ("DELETE", "/policies/1/intrusionprevention/assignments/3", None, 404, "is not assigned here"),
        (
            "POST",
            "/policies/1",
            {"intrusionPrevention": {"state": "on"}},
            400,
            "one of inherited, prevent, detect, off",
        ),
        ("POST", "/policies/1", {"policySettings": {"nonsense": "1"}}, 400, "there is no setting"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    here: Running, method: str, path: str, body: Any, status: int, reason: str
) -> None:
    found, message = here.api.refused(method, path, body)
    assert (found, reason in message) == (status, True), message


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"maxItems": "5"},
        {"maxItems": 2.0},
        {"sortByObjectID": "true"},
        {"searchCriteria": {"idTest": "greater-than", "idValue": 0}},
        {"searchCriteria": [{"fieldName": "ID", "numericTest": "greater-than", "numericValue": "0"}]},
        {"searchCriteria": [{"fieldName": "policyID", "numericTest": "equal", "numericValue": "1"}]},
        {"searchCriteria": None},
    ],
)
def test_loose_filters_are_understood(here: Running, body: Any) -> None:
    if not here.api.get("/computers?expand=none")["computers"]:
        here.api.post("/computers", {"hostName": "a", "policyID": "1"})
    found = here.api.post("/computers/search?expand=none&expand=computerStatus&overrides=False", body)["computers"]
    assert [each["hostName"] for each in found] == ["a"]


@pytest.mark.parametrize(
    ("resource", "right", "wrong"),
    [
        ("portlists", ["80", "8000-8100", "443 # TLS", "# all of them", ""], ["http", "70000", "1-2-3", "-"]),
        (
            "iplists",
            ["10.0.0.1", "10.0.0.0/8", "10.0.0.0/255.0.0.0", "10.0.0.1-10.0.0.9", "2001:db8::/32", "::1 # us"],
            ["999.1.1.1", "10.0.0.1-", "10.0.0.0/33", "host.example"],
        ),
        ("maclists", ["FF:FF:FF:FF:FF:FF", "0a-1b-2c-3d-4e-5f"], ["FF:FF", "GG:FF:FF:FF:FF:FF"]),
    ],
)
def test_items_that_match_nothing_are_told_of(here: Running, resource: str, right: list[str], wrong: list[str]) -> None:
    good = here.api.send("POST", f"/{resource}", {"name": f"good {resource}", "items": right})
    assert (good.json()["items"], "Warning" in good.headers) == (right, False)
    bad = here.api.send("POST", f"/{resource}", {"name": f"bad {resource}", "items": [*right, *wrong]})
    assert bad.json()["items"] == [*right, *wrong], "they are kept"
    assert [f"'{item}'" for item in wrong if f"'{item}' is no" not in bad.headers["Warning"]] == []
    again = here.api.send("POST", f"/{resource}/{good.json()['ID']}", {"items": wrong[:1]})
    assert "matches nothing" in again.headers["Warning"]


@pytest.mark.parametrize("ids", [2**63, "x", {"a": 1}, [None], True])
def test_ids_that_are_none_are_refused(here: Running, ids: Any) -> None:
    status, _ = here.api.refused("POST", "/softwarechanges/review", {"softwareChangeIDs": ids, "action": "allow"})
    assert status == 400


def test_a_change_of_modes_that_was_made_elsewhere_is_not_undone_but_answered(here: Running) -> None:
    here.api.post("/antimalwareconfigurations/4", {"scanActionForVirus": "clean"})
    scope = "scope=antimalwareconfigurations/4"
    (*_, made) = here.api.get(f"/sakimori/modes?{scope}")["changes"]
    status, message = here.api.refused("POST", f"/sakimori/modes/{made['ID']}/undo", {})
    assert (status, "change that where it was made" in message) == (400, True)
