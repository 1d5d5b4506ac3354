"""The stand-in for Trend's manager has Trend's shapes: the vendor's own SDK reads every answer of it, and our client
asks only what the SDK could."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from trend_judge import judged
from trend_stub import COMPUTER, INSTANCE, KEY, LOG4SHELL, LONGER, POLICY, Trend, trend_stub

from sakimori.protect import client_tasks as tasks
from sakimori.protect.client import Client, Settings, host, policy
from sakimori.protect.client_errors import ManagerError
from sakimori.protect.client_undo import undo

SETTING = "intrusionPreventionSettingAutoApplyRecommendationsEnabled"


@pytest.fixture
def trend() -> Iterator[Trend]:
    with trend_stub() as stub:
        yield stub


def test_every_call_of_the_client_has_the_vendors_shapes(trend: Trend, tmp_path: Path) -> None:
    with Client(Settings(trend.url, KEY, patience=5), sleep=lambda _: None) as client:
        _ask_everything(client)
    found = judged(trend.exchanges, tmp_path)
    assert found["wrong"] == []
    assert len(found["operations"]) >= 15
    assert found["fields_compared"] > 500


def _ask_everything(client: Client) -> None:
    computer = client.find_computer(instance_id=INSTANCE)
    assert computer is not None
    client.find_computer(instance_id="i-0nobody", host_name="nobody")
    client.protection(computer)
    client.rules_for_cve("CVE-2021-44228")
    client.policy_named("Web Servers")
    client.application_type(302)
    client.call("GET", f"/policies/{POLICY}")
    for holder in (host(COMPUTER), policy(POLICY)):
        change = client.assign(holder, [LOG4SHELL])
        assert change is not None
        client.assignments(holder, own=True)
        undo(client, change)
        client.set_assigned(holder, [LONGER, LOG4SHELL])
        client.unassign(holder, [LONGER])
    undo(client, client.set_setting(policy(POLICY), SETTING, "Yes"))
    client.apply_recommendations(host(COMPUTER))
    undo(client, client.modify(policy(POLICY), {"intrusionPrevention": {"state": "prevent"}}))
    for kind in (tasks.RECOMMENDATION_SCAN, tasks.INTEGRITY_SCAN, tasks.MALWARE_SCAN):
        tasks.run(client, kind, COMPUTER)
    with pytest.raises(ManagerError):
        client.computer(1_000_000)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"agentStatus": "managed"}, "agentStatus|agent_status"),
        ({"agentState": "active"}, "to the SDK"),
        ({"agentStatusMessages": "Managed (Online)"}, "to the SDK"),
    ],
)
def test_what_is_not_the_vendors_is_found(tmp_path: Path, answer: dict[str, object], said: str) -> None:
    """The judge can say no: to a value that its enumeration has not, a field that it has not, and a wrong type."""
    import json
    import re

    body = json.dumps({"ID": 1, "computerStatus": answer})
    asked = {"verb": "GET", "path": "/computers/1", "query": {}, "body": None, "status": 200, "answer": body}
    [wrong] = judged([asked], tmp_path)["wrong"]
    assert re.search(said, wrong)
