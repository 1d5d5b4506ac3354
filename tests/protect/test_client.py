"""The client against a manager of Trend's shape, with its quirks, over real HTTP and HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import certificates
import pytest
from trend_stub import BARE, COMPUTER, DEPENDENCY, INSTANCE, KEY, LOG4SHELL, LONGER, POLICY, Trend, trend_stub

from sakimori.protect import client_errors as errors
from sakimori.protect import client_tasks as tasks
from sakimori.protect.client import Client, Settings, host, policy
from sakimori.protect.client_answers import Change
from sakimori.protect.client_transport import Transport
from sakimori.protect.client_undo import undo

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def trend() -> Iterator[Trend]:
    with trend_stub() as stub:
        yield stub


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def client(trend: Trend, slept: list[float]) -> Iterator[Client]:
    with Client(Settings(trend.url, KEY), sleep=slept.append) as found:
        yield found


def settings(trend: Trend, **more: Any) -> Settings:
    return replace(Settings(trend.url, KEY, patience=5), **more)


# ---- finding


def test_a_computer_is_found_by_instance_and_by_name_and_the_live_one_of_two(client: Client) -> None:
    found = client.find_computer(instance_id=INSTANCE)
    assert found is not None
    assert (found.id, found.account, found.policy, found.name) == (COMPUTER, "111122223333", POLICY, "web-1")
    without_connector = client.find_computer(instance_id="i-0bare")
    assert without_connector is not None
    assert without_connector.id == BARE
    named = client.find_computer(host_name="BUILD-7")
    assert named is not None
    assert named.id == BARE
    assert client.find_computer(instance_id="i-0nobody", host_name="nobody") is None


def test_rules_of_a_cve_are_those_that_name_exactly_it(client: Client) -> None:
    assert [rule.id for rule in client.rules_for_cve("cve-2021-44228")] == [LOG4SHELL]
    assert [rule.id for rule in client.rules_for_cve("CVE-2021-442280")] == [LONGER]
    assert client.rules_for_cve("CVE-2021-4422") == []


def test_a_manager_that_does_not_page_is_refused_and_not_asked_for_ever(trend: Trend, client: Client) -> None:
    trend.pages = False
    with pytest.raises(errors.UnexpectedAnswer, match="does not page by ID"):
        client.rules_for_cve("CVE-2021-44228")


# ---- protection


def test_a_computer_is_protected_when_agent_policy_and_modules_say_so(client: Client, trend: Trend) -> None:
    found = client.computer(COMPUTER)
    assert client.protection(found).is_protected
    assert client.protection(found, ("intrusionPrevention",)).is_protected
    assert client.protection(found, ("firewall",)).reasons == ("firewall is off",)
    trend.agent = "error"
    assert client.protection(found).reasons == ("its agent is error (Managed (Online))",)
    assert client.protection(client.computer(BARE)).reasons == (
        "no agent is installed and activated",
        "no policy is assigned",
        "every protection module is off",
    )


# ---- changes


def test_rules_are_assigned_with_the_state_before(client: Client, trend: Trend) -> None:
    change = client.assign(policy(POLICY), [LOG4SHELL])
    path = f"/policies/{POLICY}/intrusionprevention/assignments"
    assert change == Change(path, [DEPENDENCY], [DEPENDENCY, LOG4SHELL])
    assert client.assign(policy(POLICY), [LOG4SHELL]) is None
    undone = undo(client, change)
    assert undone.after == [DEPENDENCY]
    assert trend.own_rules["policies"] == {DEPENDENCY}


def test_only_what_is_assigned_right_there_is_taken_away(client: Client, trend: Trend) -> None:
    trend.own_rules["computers"] = {LONGER}
    assert client.unassign(host(COMPUTER), [DEPENDENCY]) is None
    change = client.unassign(host(COMPUTER), [DEPENDENCY, LONGER])
    assert change is not None
    assert (change.before, change.after) == ([LONGER], [])


def test_recommendations_are_applied_both_ways(client: Client, trend: Trend) -> None:
    trend.own_rules["computers"] = {LONGER}
    changes = client.apply_recommendations(host(COMPUTER))
    assert [change.what for change in changes] == [f"/computers/{COMPUTER}/intrusionprevention/assignments"] * 2
    assert trend.own_rules["computers"] == {LOG4SHELL, DEPENDENCY}


def test_every_change_is_recorded_as_it_is_made(trend: Trend) -> None:
    recorded: list[Change] = []
    with Client(settings(trend), record=recorded.append) as client:
        client.modify(policy(POLICY), {"intrusionPrevention": {"state": "prevent"}})
        client.set_setting(policy(POLICY), "intrusionPreventionSettingAutoApplyRecommendationsEnabled", "Yes")
    state, setting = recorded
    assert (state.before, state.after) == (
        {"intrusionPrevention": {"state": "detect"}},
        {"intrusionPrevention": {"state": "prevent"}},
    )
    assert (setting.before, setting.after) == ({"value": ""}, {"value": "Yes"})


def test_what_was_changed_is_undone_unless_somebody_changed_it_since(client: Client, trend: Trend) -> None:
    name = "intrusionPreventionSettingAutoApplyRecommendationsEnabled"
    state = client.modify(policy(POLICY), {"intrusionPrevention": {"state": "prevent"}})
    setting = client.set_setting(policy(POLICY), name, "Yes")
    rules = client.assign(host(COMPUTER), [LOG4SHELL])
    assert rules is not None
    undo(client, state)
    undo(client, setting)
    undo(client, rules)
    assert (trend.state, trend.settings, trend.own_rules["computers"]) == ("detect", {}, set())

    again = client.assign(host(COMPUTER), [LOG4SHELL])
    assert again is not None
    client.assign(host(COMPUTER), [LONGER])
    with pytest.raises(errors.ChangedSince, match="somebody changed it since"):
        undo(client, again)
    assert LONGER in trend.own_rules["computers"]
    with pytest.raises(errors.ChangedSince):
        undo(client, state)


# ---- tasks


@pytest.mark.parametrize("kind", [tasks.RECOMMENDATION_SCAN, tasks.INTEGRITY_SCAN, tasks.MALWARE_SCAN])
def test_a_scan_counts_once_its_date_has_moved(client: Client, trend: Trend, kind: tasks.Kind) -> None:
    started = tasks.start(client, kind, COMPUTER)
    assert tasks.wait(client, started) > started.before


def test_a_scan_that_does_not_end_is_not_verified(trend: Trend) -> None:
    trend.ends = False
    clock = iter(range(0, 1_000, 10))
    with (
        Client(settings(trend), clock=lambda: next(clock), sleep=lambda _: None) as client,
        pytest.raises(errors.NotVerified, match="has not moved within 60 seconds"),
    ):
        tasks.run(client, tasks.RECOMMENDATION_SCAN, COMPUTER, seconds=60)


def test_what_only_our_manager_offers_is_not_supported(client: Client) -> None:
    assert not client.is_ours
    with pytest.raises(errors.NotSupported):
        client.isolate(COMPUTER)


# ---- how calls fail


def test_it_waits_as_long_as_it_is_told_and_then_succeeds(client: Client, trend: Trend, slept: list[float]) -> None:
    limited = b'{"message": "Too many API requests."}'
    trend.answers = [(429, {"Retry-After": "7", **JSON}, limited), (429, JSON, limited), (503, {}, b"")]
    assert client.computer(COMPUTER).id == COMPUTER
    assert 7 <= slept[0] <= 7.25
    assert len(slept) == 3
    assert all(wait <= 1 for wait in slept[1:])


def test_waits_differ_from_client_to_client(trend: Trend) -> None:
    waits: list[list[float]] = []
    for _ in range(2):
        trend.answers = [(500, {}, b"")] * 5
        own: list[float] = []
        with Client(settings(trend, patience=60), sleep=own.append) as client:
            client.computer(COMPUTER)
        waits.append(own)
    assert waits[0] != waits[1]


WAYS = [
    (400, b'{"message": "Invalid policyID."}', errors.Refused, "Invalid policyID."),
    (401, b'{"message": "Invalid API key."}', errors.Unauthenticated, "check the API key"),
    (403, b'{"message": "Not allowed."}', errors.NotPermitted, "give the API key's role this right"),
    (404, b'{"message": "No such computer."}', errors.NotFound, "No such computer."),
    (429, b'{"message": "Too many API requests."}', errors.RateLimited, "Too many API requests."),
    (500, b"oops", errors.Unavailable, "oops"),
    (302, b"", errors.UnexpectedAnswer, "not followed with a key"),
    (200, b"<html>log in</html>", errors.UnexpectedAnswer, "instead of JSON"),
    (200, b'{"ID": "seven"}', errors.UnexpectedAnswer, "should be a number"),
    (200, b"[]", errors.UnexpectedAnswer, "something else than an object"),
]


@pytest.mark.parametrize(("status", "body", "kind", "said"), WAYS, ids=[f"{way[0]}-{way[2].__name__}" for way in WAYS])
def test_each_way_of_failing_is_its_own_class(
    trend: Trend, status: int, body: bytes, kind: type[Exception], said: str
) -> None:
    trend.answers = [(status, {"Location": "https://elsewhere.example"}, body)] * 20
    with Client(settings(trend), sleep=lambda _: None) as client, pytest.raises(kind, match=said) as error:
        client.computer(COMPUTER)
    assert type(error.value) is kind
    assert KEY not in str(error.value)


def test_a_manager_that_is_away_is_unreachable_and_not_unprotected() -> None:
    away = Settings("http://localhost:9", KEY, patience=1)
    with Client(away, sleep=lambda _: None) as client, pytest.raises(errors.Unreachable, match="Nothing is known"):
        client.find_computer(instance_id=INSTANCE)


def test_a_lost_connection_is_tried_again(client: Client, trend: Trend) -> None:
    trend.drops = 2
    assert client.computer(COMPUTER).id == COMPUTER
    assert len(trend.calls) == 3


def test_what_makes_something_new_is_not_sent_twice(client: Client, trend: Trend) -> None:
    started = trend.calls
    client.computer(COMPUTER)
    trend.drops = 1
    with pytest.raises(errors.Unreachable, match="may or may not have done"):
        client.call("POST", "/scheduledtasks", body={"type": "send-policy"}, repeatable=False)
    assert [path for _, path in started].count("/scheduledtasks") == 1


def test_both_styles_of_the_key(trend: Trend) -> None:
    for style, header, value in (
        ("api-secret-key", "api-secret-key", KEY),
        ("authorization", "authorization", f"ApiKey {KEY}"),
    ):
        with Client(settings(trend, key_style=style)) as client:
            client.computer(COMPUTER)
        assert trend.headers[-1][header] == value
        assert trend.headers[-1]["api-version"] == "v1"


@pytest.mark.parametrize("url", ["{}", "{}/", "{}/api", "{}/api/"])
def test_the_address_may_be_written_with_or_without_api(trend: Trend, url: str) -> None:
    with Client(settings(trend, url=url.format(trend.url))) as client:
        assert client.computer(COMPUTER).id == COMPUTER


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        ("manager.example", KEY, "is not the address"),
        ("ftp://manager.example", KEY, "is not the address"),
        ("http://manager.example", KEY, "in the clear"),
        ("https://a:b@manager.example", KEY, "must hold no credentials"),
        ("https://manager.example", " ", "API key is empty"),
        ("https://manager.example", "a\r\nb", "characters that no key has"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(url: str, key: str, said: str) -> None:
    with pytest.raises(errors.Misconfigured, match=said):
        Transport(Settings(url, key))


def test_a_key_is_never_shown() -> None:
    assert KEY not in repr(Settings("https://manager.example", KEY))


def test_certificates_are_verified(tmp_path: Path) -> None:
    ca, server = certificates.make(tmp_path)
    with trend_stub(server) as trend:
        with Client(settings(trend, ca_file=str(ca))) as client:
            assert client.computer(COMPUTER).id == COMPUTER
        with Client(settings(trend)) as client, pytest.raises(errors.Untrusted, match="never switched off"):
            client.computer(COMPUTER)
        elsewhere = trend.url.replace("localhost", "127.0.0.1")
        with Client(settings(trend, ca_file=str(ca), url=elsewhere)) as client, pytest.raises(errors.Untrusted):
            client.computer(COMPUTER)
    with pytest.raises(errors.Misconfigured, match="cannot be used"):
        Transport(Settings("https://manager.example", KEY, ca_file=str(tmp_path / "nothing.pem")))
