"""Every defect that was read in the retired sample programs and in other responders, by name, with the test that shows
that ours has not got it."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path

import pytest
from accounts import world_of
from trend_stub import KEY, Trend, trend_stub

import corpus
import told_events as told
from sakimori.cli.configuration import manager_settings
from sakimori.collect.events import heard
from sakimori.protect.client import Client, Settings
from sakimori.respond.workflows import guardduty
from sakimori.simulate.aws import SimulatedAws

TESTS = Path(__file__).resolve().parents[1]
E2E = "acceptance/test_respond_workflows.py::test_every_workflow_from_eventbridge_to_its_effect_and_back"
GUARDDUTY, INSPECTOR, CONFIG, FRONTS, GROUPS, WRITING = (
    "respond/test_workflow_guardduty.py",
    "respond/test_workflow_inspector.py",
    "respond/test_workflow_config.py",
    "respond/test_workflow_waf_fronts.py",
    "respond/test_workflow_waf_groups.py",
    "respond/test_waf_writing.py",
)
LIMITS = "respond/test_respond_limits.py"
ENGINE, ACTION = (
    "respond/test_respond_engine.py",
    "respond/test_every_action.py",
)
SHAPES = "protect/test_trend_shapes.py"
FUNCTION, EVENTS, CLIENT = (
    "respond/test_config_rule.py",
    "collect/test_events.py",
    "protect/test_client.py",
)

# ruff: noqa: E501 - one line a defect
DEFECTS = {
    # the sample for GuardDuty
    "guardduty-1 families of types are compared for equality and never match": f"{GUARDDUTY}::test_defect_families_were_compared_for_equality_and_never_matched",
    "guardduty-2 the branches for miners and backdoors raise a NameError": f"{GUARDDUTY}::test_defect_a_crypto_miner_raised_a_name_error",
    "guardduty-3 the manager's host, port and certificate are read and not passed on": "respond/test_defects.py::test_defect_the_managers_address_and_certificate_were_read_and_not_passed_on",
    "guardduty-4 a module is turned on in the policy that all machines share": f"{GUARDDUTY}::test_defect_the_policy_that_all_share_was_edited",
    "guardduty-5 a finding that is told again with a higher count is acted on again": f"{GUARDDUTY}::test_defect_the_same_finding_with_a_higher_count_is_known_and_redelivery_does_nothing",
    "guardduty-6 the whole inventory is downloaded for each event": "respond/test_defects.py::test_defect_the_whole_inventory_was_downloaded_for_each_event",
    "guardduty-7 an integrity scan without a baseline from before": f"{GUARDDUTY}::test_an_integrity_scan_needs_a_baseline_from_before",
    # the samples for Config
    "config-1 'Not Configured' contains 'on' and complies": f"{CONFIG}::test_defect_not_configured_contains_on_and_was_compliant",
    "config-2 a policy's name with a capital letter never matches": f"{CONFIG}::test_defect_a_capital_letter_in_the_policy_never_matched",
    "config-3 the ordering time is now": f"{CONFIG}::test_defect_the_time_was_now_and_not_that_of_the_configuration",
    "config-4 deleted instances and those out of scope are evaluated": f"{CONFIG}::test_defect_deleted_instances_and_other_resources_are_not_applicable",
    "config-5 an unknown instance and an outage both do not comply": f"{CONFIG}::test_defect_an_outage_was_non_compliant",
    "config-6 an outage in the function, too": f"{FUNCTION}::test_a_manager_that_gives_no_answer_is_an_error_and_no_evaluation",
    # the sample for WAF
    "waf-1 application load balancers and target groups are not seen": f"{FRONTS}::test_defect_only_classic_load_balancers_were_seen_and_no_target_groups",
    "waf-2 ECS services are not seen": f"{FRONTS}::test_defect_ecs_services_were_not_seen",
    "waf-3 one recommendation is not enough": f"{GROUPS}::test_defect_one_recommendation_was_not_enough",
    "waf-4 any rule that carries a type counts": f"{GROUPS}::test_defect_any_rule_of_a_type_counted_assigned_or_not",
    "waf-5 the pattern 'ui' matches 'build' and 'require'": f"{GROUPS}::test_defect_the_pattern_ui_matched_build_and_require",
    "waf-6 an origin is matched by what it is called": f"{FRONTS}::test_defect_origins_were_matched_by_a_name_and_cloudfronts_acls_are_asked_for_in_us_east_1_only",
    "waf-7 rule groups are hard-coded, of vendors as of years ago": f"{GROUPS}::test_groups_that_are_sold_are_taken_where_they_are_subscribed_to",
    "waf-8 the write conflicts, or overwrites what others wrote": f"{WRITING}::test_what_somebody_adds_at_the_same_moment_stays_and_undo_takes_out_ours_alone",
    # the sample for Inspector
    "inspector-1 rules are collected and never assigned": f"{INSPECTOR}::test_inspector_assigns_the_rules_of_exactly_that_cve_with_what_they_depend_on",
    # automated responders of others
    "responders-1 nothing can be undone": f"{ACTION}::test_undo_returns_identical_answers",
    "responders-2 undo overwrites what somebody changed since": f"{ACTION}::test_undo_refuses_with_the_reason_where_somebody_changed_it_since",
    "responders-3 nothing makes a second delivery the same": f"{ENGINE}::test_a_revision_is_acted_on_once_by_whichever_feed_and_however_often",
    "responders-4 only the service's own exceptions are tried again": f"{CLIENT}::test_a_lost_connection_is_tried_again",
    "responders-5 findings of GuardDuty, Macie and Inspector start nothing": E2E,
    "responders-6 a dry run shows the whole population and not the event": "acceptance/test_respond.py::test_observing_says_what_would_be_done_to_this_event_and_does_nothing",
    "responders-7 nobody is asked for approval": f"{LIMITS}::test_an_approval_is_used_once_and_then_the_run_goes_on",
    "responders-8 findings about accounts, instances and users only": f"{GUARDDUTY}::test_every_family_of_findings_has_a_row_with_something_to_do",
    "responders-9 a response is not carried out, and nobody notices": f"{ACTION}::test_an_effect_that_did_not_come_fails_the_run_and_says_why",
    "responders-10 counts of the past are never reset": "respond/test_shared_limits.py::test_a_limit_is_free_again_when_its_window_has_passed",
    "responders-11 no effect where the module is off on the host": f"{GUARDDUTY}::test_a_computer_without_an_agent_or_with_a_module_off_is_not_protected",
    # events
    "events-1 Inspector's dates are not ISO 8601": f"{EVENTS}::test_times_as_products_spell_them",
    "events-2 keys are encoded in S3's own notification and not in EventBridge's": f"{EVENTS}::test_keys_are_decoded_in_s3s_own_notification_and_only_there",
    "events-3 both feeds of Security Hub come from one source": f"{EVENTS}::test_all_feeds_of_one_finding_fold_into_one",
    "events-4 Config's questions are JSON in strings": f"{EVENTS}::test_config_asks_a_rule_with_json_in_strings",
    "events-5 a change of compliance may have no old result": f"{EVENTS}::test_a_change_of_compliance_opens_and_closes_one_finding",
    "events-6 a custom action holds many findings": f"{EVENTS}::test_a_custom_action_names_what_was_asked_and_asking_again_is_a_new_request",
    "events-7 results of malware scans come at least once": f"{EVENTS}::test_an_infected_object_is_a_finding_and_a_clean_one_is_not",
    "events-8 GuardDuty tells of an active finding again": f"{EVENTS}::test_a_new_count_is_a_new_revision_of_the_same_finding",
    # the manager's API
    "manager-1 the search for a CVE finds longer ones": f"{CLIENT}::test_rules_of_a_cve_are_those_that_name_exactly_it",
    "manager-2 certificates are not verified": f"{CLIENT}::test_certificates_are_verified",
    "manager-3 too many calls are not tried again": f"{CLIENT}::test_it_waits_as_long_as_it_is_told_and_then_succeeds",
    "manager-4 what has the rule is taken for what lacks it": f"{INSPECTOR}::test_inspector_has_nothing_to_do_where_the_rule_is_in_force_or_none_exists",
    "manager-5 rules are sent as a number where none were assigned": f"{SHAPES}::test_every_call_of_the_client_has_the_vendors_shapes",
    "manager-6 misspelt fields are silently not sent": f"{SHAPES}::test_every_call_of_the_client_has_the_vendors_shapes",
    "manager-7 a value that its enumeration has not ends everything": "respond/test_defects.py::test_defect_a_state_that_nobody_knows_ended_everything",
}
"""What was wrong elsewhere -> the test that shows that it is not so here."""


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("defect", DEFECTS)
def test_every_defect_has_its_test(defect: str) -> None:
    file, _, name = DEFECTS[defect].partition("::")
    assert name in names_in(file)


@pytest.mark.parametrize(("heading", "group"), [("GuardDuty", "guardduty"), ("Config", "config"), ("WAF", "waf")])
def test_none_of_the_defects_that_were_read_is_missing(heading: str, group: str) -> None:
    """As many as the notes list, which stand beside the repository where it is worked on."""
    notes = corpus.ROOT.parent / "reference" / "legacy_response_samples.md"
    if not notes.is_file():
        pytest.skip("the notes are not beside the repository")
    section = notes.read_text().partition(f"## {heading}")[2].partition("\n## ")[0]
    [listed] = [line for line in section.splitlines() if line.startswith("Defects")]
    assert len([name for name in DEFECTS if name.startswith(group)]) >= len(listed.split(";"))


def test_defect_the_managers_address_and_certificate_were_read_and_not_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in (("URL", "https://dsm.example.com:4119"), ("KEY", "k"), ("CA", "/etc/ca.pem")):
        monkeypatch.setenv(f"SAKIMORI_PROTECT_{name}", value)
    found = manager_settings()
    assert (found.url, found.key, found.ca_file) == ("https://dsm.example.com:4119", "k", "/etc/ca.pem")


def test_defect_the_whole_inventory_was_downloaded_for_each_event(aws: SimulatedAws) -> None:
    with trend_stub() as trend, Client(Settings(trend.url, KEY, patience=1)) as client:
        event = heard(json.dumps(told.guardduty(resource=told.instance_resource("i-0unknown"))), "test").events[0]
        guardduty.plan(event, world_of(aws, client))
        assert searched(trend) <= 2, "by the instance's id, with a connector and without"


def test_defect_a_state_that_nobody_knows_ended_everything(aws: SimulatedAws) -> None:
    """The vendor's SDK raises for it; to us it is an agent that is not active."""
    with trend_stub() as trend, Client(Settings(trend.url, KEY, patience=1)) as client:
        trend.agent = "managed"
        event = heard(json.dumps(told.guardduty(resource=told.instance_resource(trend.instance))), "test").events[0]
        found = guardduty.plan(event, world_of(aws, client))
    assert found.steps == ()
    assert "its agent is managed" in found.why


def searched(trend: Trend) -> int:
    assert ("GET", "/computers") not in trend.calls
    return len([path for _, path in trend.calls if path.startswith("/computers")])
