"""Every module that can detect first is promoted and demoted on evidence; one that cannot says why."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine
from test_promotion import COMPUTERS, DAY, POLICIES, Clock, asked, clock, engine, mode_of, seeded, seen, watch

from sakimori.protect import modes, setting_values, storage
from sakimori.protect.enforcement import ENGINE_SETTING, EXECUTION_SETTING
from sakimori.protect.errors import Invalid
from sakimori.protect.promotion import Decision, demote, promote, undo
from sakimori.protect.resources import all_resources
from sakimori.store.database import reading, writing

__all__ = ["clock", "engine", "seeded"]

SCANS = all_resources()["antimalwareconfigurations"]
DENY_SSH = 8005
ON = {
    "antiMalware": {"state": "on"},
    "applicationControl": {"state": "on"},
    "firewall": {"state": "on", "ruleIDs": [DENY_SSH]},
    "intrusionPrevention": {"state": "detect"},
    "webReputation": {"state": "on"},
}


def policy_of(engine: Engine, **own: Any) -> int:
    """A policy with every module on, on one computer whose agent runs them all."""
    with writing(engine) as connection:
        policy = storage.make(connection, 0, POLICIES, {"name": "Web", "parentID": 1, **ON, **own})
        computer = storage.make(connection, 0, COMPUTERS, {"hostName": "web-1", "policyID": policy})
        watch(connection, computer, **{name: module["state"] for name, module in ON.items()})
    return policy


def promoted(engine: Engine, target: str, **more: Any) -> Decision:
    with writing(engine) as connection:
        return promote(connection, 0, target, "Web", asked(**more))


def demoted(engine: Engine, target: str) -> Decision:
    with writing(engine) as connection:
        return demote(connection, 0, target, "Web", asked())


@pytest.mark.parametrize(
    ("target", "module", "subject", "detects", "prevents"),
    [
        ("applicationControl", "applicationControl", modes.BLOCK, False, True),
        ("antiMalware", "antiMalware", modes.SCAN, 4, 1),
        ("firewall", "firewall", modes.ENGINE, "Detect", "Inline"),
        ("webReputation", "webReputation", modes.LEVEL, "Detect", "Medium"),
        (str(DENY_SSH), "firewall", "firewallrule/8005/action", "log-only", "deny"),
    ],
)
def test_it_is_promoted_demoted_and_undone(
    engine: Engine, clock: Clock, target: str, module: str, subject: str, detects: Any, prevents: Any
) -> None:
    policy = policy_of(engine)
    assert mode_of(engine, policy, target) == "detect", "nobody has set any mode"
    assert promoted(engine, target).refused == ("it has been in detect for 0.0 days, and 14 are asked for",)
    clock.at += 20 * DAY
    seen(engine, 1, clock.at - DAY, "", rule=DENY_SSH if target == str(DENY_SSH) else 0, module=module)
    assert "1 events that nobody has judged" in promoted(engine, target).refused[0]

    made = promoted(engine, target, max_false_positives=1)
    assert (made.refused, change_of(engine, made)) == ((), (subject, prevents, "ann"))
    assert mode_of(engine, policy, target) == "prevent"
    assert "it prevents already" in promoted(engine, target).refused[0]

    back = demoted(engine, target)
    assert change_of(engine, back) == (subject, detects, "ann")
    assert mode_of(engine, policy, target) == "detect"
    with writing(engine) as connection:
        undo(connection, 0, back.change, "ben")
    assert mode_of(engine, policy, target) == "prevent"


def change_of(engine: Engine, found: Decision) -> tuple[str, Any, str]:
    with reading(engine) as connection:
        noted = modes.change(connection, 0, found.change)
    assert noted is not None
    return noted.subject, noted.after, noted.who


def test_the_firewall_counts_what_it_would_deny_and_not_what_only_logs(engine: Engine, clock: Clock) -> None:
    policy_of(engine)
    clock.at += 20 * DAY
    seen(engine, 1, clock.at - DAY, "", rule=DENY_SSH, module="firewall")
    assert promoted(engine, "firewall", dry=True).refused == ()
    assert promoted(engine, str(DENY_SSH), max_false_positives=1).change
    assert "1 events that nobody has judged" in promoted(engine, "firewall", dry=True).refused[0]


def test_a_module_that_is_off_is_not_promoted(engine: Engine, clock: Clock) -> None:
    policy_of(engine, **{name: {"state": "off"} for name in ON})
    clock.at += 20 * DAY
    for target, name in (
        ("applicationControl", "application control"),
        ("antiMalware", "anti-malware"),
        (str(DENY_SSH), "the firewall"),
        ("intrusionPrevention", "intrusion prevention"),
    ):
        assert promoted(engine, target).refused[0].startswith(f"{name} is off on the policy (set here)")


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("integrityMonitoring", "it watches files and stops nothing"),
        ("log-inspection", "it reads logs and stops nothing"),
        ("activityMonitoring", "it records what happens and stops nothing"),
        ("SAP", "which decides by itself"),
        ("linux_sudoers", "SKM-.* cannot be promoted or demoted: it watches files and stops nothing"),
        ("SKM-6001", "SKM-6001 .* cannot be promoted or demoted: it reads logs"),
    ],
)
def test_what_has_no_two_modes_says_why(engine: Engine, target: str, why: str) -> None:
    policy_of(engine)
    for change in (promoted, demoted):
        with pytest.raises(Invalid, match=why):
            change(engine, target)


def test_a_rule_that_lets_through_is_not_one_that_denies(engine: Engine, clock: Clock) -> None:
    policy_of(engine, firewall={"state": "on", "ruleIDs": [8002]})
    clock.at += 20 * DAY
    assert promoted(engine, "8002").refused == ("it is allow and not in detect",)
    assert demoted(engine, "8002").refused == ("it does not prevent: it is in allow (as the rule itself is)",)


def test_intrusion_prevention_is_not_promoted_where_the_engine_only_taps(engine: Engine, clock: Clock) -> None:
    policy = policy_of(engine)
    with writing(engine) as connection:
        setting_values.keep(connection, 0, setting_values.DEFAULTS, {ENGINE_SETTING: "Tap"})
    assert mode_of(engine, policy, "firewall") == "detect"
    clock.at += 20 * DAY
    assert promoted(engine, "intrusionPrevention").refused == (
        "the network engine only taps (the default of all policies), so that nothing would be stopped: "
        "promote firewall first, or take firewallSettingNetworkEngineMode back",
    )


def test_the_firewall_that_is_promoted_from_a_tap_says_what_else_begins_to_stop(engine: Engine, clock: Clock) -> None:
    policy_of(engine, intrusionPrevention={"state": "prevent"}, policySettings={ENGINE_SETTING: "tap"})
    clock.at += 20 * DAY
    assert "intrusion prevention is in prevent behind the same engine" in " ".join(promoted(engine, "firewall").notes)


def test_what_a_child_says_of_application_control_holds_against_its_parent(engine: Engine, clock: Clock) -> None:
    policy = policy_of(engine, applicationControl={"state": "on", "blockUnrecognized": False})
    with writing(engine) as connection:
        base = storage.get(connection, 0, POLICIES, 1)
        storage.replace(connection, 0, POLICIES, 1, base | {"applicationControl": {"blockUnrecognized": True}})
    assert (mode_of(engine, 1, "applicationControl"), mode_of(engine, policy, "applicationControl")) == (
        "prevent",
        "detect",
    )


def test_application_control_that_a_setting_has_block_is_not_demoted_in_name_only(engine: Engine) -> None:
    settings = {EXECUTION_SETTING: "Block unrecognized software until it is explicitly allowed"}
    policy_of(engine, applicationControl={"state": "on", "blockUnrecognized": True}, policySettings=settings)
    (why,) = demoted(engine, "applicationControl").refused
    assert why == f"{EXECUTION_SETTING} is {settings[EXECUTION_SETTING]!r} (set here): take that back"


def test_a_scan_configuration_that_begins_to_act_is_noted_and_ends_detection(engine: Engine, clock: Clock) -> None:
    policy = policy_of(engine)
    clock.at += 20 * DAY
    with writing(engine) as connection, modes.acting("ben", "cleaning"):
        scan = storage.get(connection, 0, SCANS, 4)
        acting = scan | {"scanActionForVirus": "clean"}
        storage.replace(connection, 0, SCANS, 4, acting)
    assert mode_of(engine, policy, "antiMalware") == "prevent"
    with reading(engine) as connection:
        (*_, last) = modes.changes(connection, 0, scopes=["antimalwareconfigurations/4"])
    assert (last.subject, last.before, last.after, last.who) == ("scan/4/action", "detect", "prevent", "ben")
    with writing(engine) as connection:
        storage.replace(connection, 0, SCANS, 4, scan)
    assert promoted(engine, "antiMalware").refused == ("it has been in detect for 0.0 days, and 14 are asked for",)


def test_what_a_scan_configuration_does_is_not_undone_here(engine: Engine, clock: Clock) -> None:
    with writing(engine) as connection:
        storage.replace(connection, 0, SCANS, 4, storage.get(connection, 0, SCANS, 4) | {"scanActionForVirus": "clean"})
        made = modes.last(connection, 0, ["antimalwareconfigurations/4"], "scan/4/action")
        assert made is not None
        with pytest.raises(Invalid, match="is not of a mode but of scan/4/action: change that where it was made"):
            undo(connection, 0, made.id, "ann")


def test_without_a_configuration_to_go_to_it_says_so(engine: Engine, clock: Clock) -> None:
    policy_of(engine, antiMalware={"state": "on", "realTimeScanConfigurationID": 1})
    with writing(engine) as connection:
        storage.remove(connection, 0, SCANS, 4)
    with pytest.raises(Invalid, match="no real-time scan configuration that only tells of what it finds: make one"):
        demoted(engine, "antiMalware")
