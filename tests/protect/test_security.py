"""Who may do what: every role on every route, tenants apart, keys that end, and nothing that breaks the manager."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from in_process import Api, Running, running
from schemathesis.core import NotSet

from sakimori.protect import jobs, openapi, rights
from sakimori.protect.clock import now
from sakimori.protect.limits import Limits
from sakimori.protect.resources import all_resources
from sakimori.store.database import writing

DOCUMENT = openapi.document()
ROUTES = [
    (method.upper(), path.removeprefix("/api"), operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
FOR_KEYS = [route for route in ROUTES if route[2].get("security") != [{"agent": []}]]

WITHOUT_A_RIGHT = {
    "modify_current_api_key",
    "replace_current_api_secret_key",
}
"""What changes something and needs no right: it concerns the caller's own key alone."""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("security") / "ledger.sqlite") as found:
        yield found


def filled(path: str) -> str:
    """The path with an ID that is not there, so that nothing is really changed."""
    return re.sub(r"\{\w+ID\}", "999999", path).replace("{name}", "platformSettingHeartbeatInterval")


def test_every_right_that_an_operation_needs_is_one_that_roles_can_give() -> None:
    needed = {operation["x-right"] for _, _, operation in ROUTES if "x-right" in operation}
    assert needed - set(rights.ALL_RIGHTS) == set()
    declared = {
        right
        for resource in all_resources().values()
        for right in (resource.rights.view, resource.rights.create, resource.rights.edit, resource.rights.delete)
        if right
    }
    assert declared - set(rights.ALL_RIGHTS) == set()


def test_what_changes_something_needs_a_right() -> None:
    changing = {
        operation["operationId"]
        for method, path, operation in FOR_KEYS
        if method != "GET" and not path.endswith("/search") and "x-right" not in operation
    }
    assert changing == WITHOUT_A_RIGHT


@pytest.mark.parametrize("headers", [{}, {"Authorization": "ApiKey skm-0-1-guess"}, {"api-secret-key": "1:abc"}])
def test_no_route_answers_without_a_key(here: Running, headers: dict[str, str]) -> None:
    for method, path, _ in ROUTES:
        answer = here.client.request(method, f"/api{filled(path)}", json={}, headers=headers)
        assert answer.status_code == 401, (method, path, answer.text)
        assert answer.json()["message"]


def test_every_right_opens_its_routes_and_no_other_does(here: Running) -> None:
    """For each right, a role that has it alone and one that has all others, on every route that needs it."""
    tried = 0
    for right in sorted({operation["x-right"] for _, _, operation in FOR_KEYS if "x-right" in operation}):
        only = here.as_role(frozenset((right,)))
        all_others = here.as_role(frozenset(rights.ALL_RIGHTS) - {right})
        for method, path, operation in FOR_KEYS:
            if operation.get("x-right") != right or (method, path) == ("DELETE", "/policies/default/settings/{name}"):
                continue
            status, message = all_others.refused(method, filled(path), {})
            assert (status, right.rpartition("/")[2] in message) == (403, True), (method, path, status, message)
            answer = only.send(method, filled(path), {})
            allowed = answer.status_code not in (401, 403, 500)
            # More than the right itself may be needed: to give a role what one does not have, say.
            assert allowed or "would give" in answer.text, (method, path, answer.status_code, answer.text)
            tried += 1
    assert tried > 100


def test_every_other_route_on_every_role(here: Running) -> None:
    """An auditor and a role without any right see what needs none, and change nothing."""
    auditor, nobody = here.as_key(2), here.as_role(frozenset())
    for method, path, operation in FOR_KEYS:
        right = operation.get("x-right")
        for role, holds in ((auditor, right is None or rights.is_view(right)), (nobody, right is None)):
            if operation["operationId"] in WITHOUT_A_RIGHT:
                continue
            status = role.send(method, filled(path), {}).status_code
            assert (status == 403) != holds or status in (400, 404), (method, path, status)
            assert status != 500, (method, path)


def test_a_role_may_reach_only_some_computers_and_policies(here: Running) -> None:
    api = here.api
    group = api.post("/computergroups", {"name": "theirs"})["ID"]
    mine = api.post("/computers", {"hostName": "mine"})["ID"]
    theirs = api.post("/computers", {"hostName": "theirs", "groupID": group})["ID"]
    named = api.post("/computers", {"hostName": "named"})["ID"]
    policy = api.post("/policies", {"name": "reachable"})["ID"]
    everything = rights.tree(lambda right: True)
    scope = {"allComputers": False, "computerGroupIDs": [group], "computerIDs": [named]}
    part = here.as_role({"rights": everything, **scope, "allPolicies": False, "policyIDs": [policy]})
    assert {each["ID"] for each in part.get("/computers?expand=none")["computers"]} == {theirs, named}
    assert {each["ID"] for each in part.post("/computers/search?expand=none")["computers"]} == {theirs, named}
    assert part.get(f"/computers/{theirs}?expand=none")["hostName"] == "theirs"
    for method, path in (
        ("GET", f"/computers/{mine}"),
        ("POST", f"/computers/{mine}"),
        ("DELETE", f"/computers/{mine}"),
        ("GET", f"/computers/{mine}/intrusionprevention/assignments"),
        ("POST", f"/computers/{mine}/settings/platformSettingHeartbeatInterval"),
        ("POST", f"/sakimori/computers/{mine}/isolate"),
        ("GET", "/policies/1"),
        ("POST", "/policies/1/firewall/assignments"),
        ("GET", "/policies/1/interfacetypes"),
    ):
        assert part.refused(method, path, {})[0] == 404, (method, path)
    assert [each["ID"] for each in part.get("/policies")["policies"]] == [policy]
    assert {each["computerID"] for each in part.get("/sakimori/coverage")["computers"]} == {theirs, named}
    assert part.refused("POST", "/computers", {"hostName": "elsewhere"})[0] == 403
    assert part.refused("POST", f"/computers/{theirs}", {"groupID": 0})[0] == 403


def test_nobody_gives_what_they_do_not_have(here: Running) -> None:
    keys = "platformRights/apikeyRights/canCreateNewApiKeys"
    roles = "platformRights/administratorRoleRights/canCreateNewAdministratorRoles"
    some = here.as_role(frozenset((keys, roles)))
    assert some.refused("POST", "/apikeys", {"keyName": "more", "roleID": 1})[0] == 403
    more = {"name": "more", "rights": rights.tree(lambda right: True)}
    assert some.refused("POST", "/roles", more)[0] == 403
    assert here.api.refused("POST", "/roles/1", {"description": "changed"})[0] == 400
    assert here.api.refused("DELETE", "/roles/2")[0] == 400


# ---- tenants


def make_one_of_each(api: Api) -> dict[str, int]:
    """An object of every resource that can be made, by its path."""
    needs: dict[str, dict[str, Any]] = {
        "apikeys": {"roleID": 1},
        "eventbasedtasks": {"type": "agent-initiated-activation"},
        "scheduledtasks": {
            "type": "send-policy",
            "sendPolicyTaskParameters": {"computerFilter": {"type": "all-computers"}},
        },
    }
    made = {}
    computer = api.post("/computers", {"hostName": "secret host"})["ID"]
    for resource in all_resources().values():
        if "create" not in resource.operations or resource.parent or resource.id in ("tenants", "computers"):
            continue
        body = {field.name: "secret" for field in resource.fields if field.required and field.kind == "text"}
        body |= {"computerID": computer} if resource.id == "softwareinventories" else {}
        made[resource.id] = api.post(f"/{resource.id}", body | needs.get(resource.id, {}))["ID"]
    return made | {"computers": computer}


def test_tenants_do_not_see_each_other(here: Running) -> None:
    _, one = here.as_tenant("one")
    _, other = here.as_tenant("other")
    made = make_one_of_each(one)
    assert len(made) > 20
    for path, id in made.items():
        listed = next(iter(other.get(f"/{path}").values()))
        assert "secret" not in str(listed), path
        found = next(iter(other.post(f"/{path}/search", {"searchCriteria": []}).values())) if path else []
        assert "secret" not in str(found), path
        if id in [each["ID"] for each in listed]:
            continue  # IDs count up in each tenant: this one has an object of its own by that ID
        assert other.refused("GET", f"/{path}/{id}")[0] == 404, path
        assert other.refused("POST", f"/{path}/{id}", {"description": "x"})[0] in (400, 404, 405), path
        assert other.refused("DELETE", f"/{path}/{id}")[0] == 404, path
    assert one.get(f"/computers/{made['computers']}?expand=none")["hostName"] == "secret host"
    for method, path in (("GET", "/tenants"), ("POST", "/tenants"), ("GET", "/tenants/1"), ("DELETE", "/tenants/1")):
        assert other.refused(method, path, {})[0] == 403
    assert "secret" not in str(other.get("/sakimori/coverage"))


def test_a_tenant_that_is_deleted_leaves_nothing(here: Running) -> None:
    tenant, theirs = here.as_tenant("for a while")
    theirs.post("/computers", {"hostName": "gone soon"})
    here.api.delete(f"/tenants/{tenant}")
    assert theirs.refused("GET", "/computers")[0] == 401
    with here.manager.engine.connect() as connection:
        for table in ("protect_objects", "protect_values", "protect_counters"):
            left = connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table} WHERE tenant = {tenant}").scalar()
            assert left == 0, table


# ---- keys


def test_a_secret_is_shown_once_and_kept_as_a_hash(here: Running) -> None:
    made = here.api.post("/apikeys", {"keyName": "shown once", "roleID": 2})
    assert made["secretKey"]
    assert "secretKey" not in here.api.get(f"/apikeys/{made['ID']}")
    secret = made["secretKey"].split("-", 3)[3]
    with here.manager.engine.connect() as connection:
        dump = str(connection.exec_driver_sql("SELECT body FROM protect_objects").all())
    assert secret not in dump
    assert "scrypt$" in dump


def test_keys_end(here: Running) -> None:
    api = here.api
    made = api.post("/apikeys", {"keyName": "ends", "roleID": 2})
    own = Api(here.client, made["secretKey"])
    assert own.get("/policies")
    api.post(f"/apikeys/{made['ID']}", {"expiryDate": now() - 1})
    assert own.refused("GET", "/policies") == (401, "the API key has expired: make another one")
    api.post(f"/apikeys/{made['ID']}", {"expiryDate": now() + 60_000, "active": False})
    assert own.refused("GET", "/policies")[0] == 401
    api.post(f"/apikeys/{made['ID']}", {"active": True})
    assert own.get("/policies")
    api.delete(f"/apikeys/{made['ID']}")
    assert own.refused("GET", "/policies")[0] == 401


def test_passwords_are_never_shown(here: Running) -> None:
    person = {"username": "p", "password": "correct horse", "roleID": 2, "reportPDFPassword": "battery"}
    made = here.api.post("/administrators", person)
    shown = str(made) + str(here.api.get(f"/administrators/{made['ID']}")) + str(here.api.get("/administrators"))
    with here.manager.engine.connect() as connection:
        shown += str(connection.exec_driver_sql("SELECT body FROM protect_objects").all())
    assert "correct horse" not in shown
    assert "battery" not in shown


def test_limits_by_key_tenant_and_guess(tmp_path: Path) -> None:
    with running(tmp_path / "ledger.sqlite", limits=Limits(key=5, tenant=8, node=0, sign_ins=3)) as here:
        other = here.as_key(2)  # one call with the first key
        for _ in range(4):
            assert here.api.send("GET", "/roles").status_code == 200
        answer = here.api.send("GET", "/roles")
        assert (answer.status_code, answer.json()) == (429, {"message": "Too many API requests."})
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
        for _ in range(3):
            assert other.send("GET", "/roles").status_code == 200
        assert other.send("GET", "/roles").status_code == 429, "the tenant has used up its calls"
        guesses = [Api(here.client, f"skm-0-2-guess{number}").send("GET", "/roles").status_code for number in range(5)]
        assert guesses == [401, 401, 429, 429, 429], "the good key was checked once too"


def test_the_version_header(here: Running) -> None:
    assert here.api.send("GET", "/roles", headers={"api-version": "v2"}).status_code == 400
    without = here.client.get("/api/roles", headers={"Authorization": f"ApiKey {here.api.key}"})
    assert without.status_code == 200


# ---- whatever is sent


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("fuzz") / "ledger.sqlite") as found:
        found.api.post("/computers", {"hostName": "one", "policyID": 1})
        agent = found.api.post("/sakimori/agents", {"hostName": "two"})
        AGENT["Authorization"] = f"Agent {agent['agentGUID']}:{agent['secretKey']}"
        with writing(found.manager.engine) as connection:
            jobs.queue(connection, 0, [agent["computerID"]] * 3, "scan-for-malware")
        yield found


AGENT: dict[str, str] = {}
"""How an agent shows itself."""

WITHOUT_COVERAGE = schemathesis.Config.from_dict({"phases": {"coverage": {"enabled": False}}})
schema = schemathesis.openapi.from_dict(DOCUMENT, config=WITHOUT_COVERAGE)


@schema.parametrize()
@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_nothing_that_is_sent_breaks_it(case: schemathesis.Case, fuzzed: Running) -> None:
    sent: dict[str, Any] = {}
    if isinstance(case.body, bytes):
        sent["content"] = case.body
    elif not isinstance(case.body, NotSet):
        sent["content"] = json.dumps(case.body).encode()
    answer = fuzzed.client.request(
        case.method,
        case.formatted_path or "/",
        params=dict(case.query or {}),
        headers=AGENT if case.path.startswith("/api/sakimori/agents/") else {"api-secret-key": fuzzed.api.key},
        **sent,
    )
    assert answer.status_code < 500, (case.method, case.formatted_path, case.body, answer.text)
    if answer.status_code >= 400 and answer.headers["content-type"] == "application/json":
        assert isinstance(answer.json()["message"], str)
