"""What is new, once; routes that fit; drills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from servers import Got, http
from test_channels import FINDING, MESSAGE

from japanese_told import told_in_japanese
from sakimori.model.severity import Severity
from sakimori.notify.asking import Links
from sakimori.notify.errors import NotifyError
from sakimori.notify.notifier import Notifier
from sakimori.notify.outbox import TRIES
from sakimori.notify.routes import Route, fitting, routes
from sakimori.notify.signing import Signer
from sakimori.store.database import connect
from sakimori.store.findings import Status
from sakimori.store.ledger import Ledger


@pytest.fixture
def got() -> Iterator[Got]:
    with http() as server:
        yield server


NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LINKS = Links(Signer((b"k" * 32,)))


@pytest.fixture
def notifier(got: Got, tmp_path: Path) -> Iterator[Notifier]:
    engine = connect(tmp_path / "ledger.sqlite")
    settings = {"url": got.address, "private": True}
    yield Notifier(engine, [Route("team", "webhook", settings=settings)], LINKS)
    engine.dispose()


def test_an_unchanged_second_run_sends_nothing(notifier: Notifier, got: Got) -> None:
    ledger = Ledger(notifier.engine)
    ledger.upsert_findings([FINDING])
    assert [each.why for each in notifier.send_findings(ledger.findings())] == [""]
    assert notifier.send_findings(ledger.findings()) == []
    ledger.upsert_findings([replace(FINDING, last_seen="2026-11-26T08:00:00Z", count=9)])
    assert notifier.send_findings(ledger.findings()) == []
    assert len(got.bodies) == 1


def test_worse_and_resolved_are_news(notifier: Notifier, got: Got) -> None:
    ledger = Ledger(notifier.engine)
    ledger.upsert_findings([FINDING])
    notifier.send_findings(ledger.findings())
    ledger.set_status(FINDING.uid, Status.RESOLVED, "kaede")
    notifier.send_findings(ledger.findings())
    ledger.set_status(FINDING.uid, Status.SUPPRESSED, "kaede")
    notifier.send_findings(ledger.findings())
    assert [body["kind"] for body in got.bodies] == ["finding-new", "finding-resolved"]


def test_what_failed_is_tried_again_with_pauses_and_not_for_ever(notifier: Notifier, got: Got) -> None:
    got.status = 503
    assert "answered 503" in notifier.send(MESSAGE, NOW)[0].why
    assert notifier.deliver(NOW + timedelta(seconds=30)) == []
    assert len(notifier.deliver(NOW + timedelta(seconds=61))) == 1
    for hour in range(1, TRIES + 5):
        notifier.deliver(NOW + timedelta(hours=2 * hour))
    assert len(got.bodies) == TRIES
    assert [each.state for each in notifier.log()] == ["given up"]
    [dead] = Ledger(notifier.engine).findings()
    assert (dead.finding.rule, dead.finding.severity) == ("notify/dead-route", Severity.HIGH)
    told = told_in_japanese(dead.finding)
    assert "（一時的な" not in told["description"]
    assert f"{TRIES} 回試行しましたが、通知を断念しました: 127.0.0.1 の応答は 503 でした" in told["description"]
    got.status = 200
    assert [each.why for each in notifier.deliver(again=True)] == [""]
    assert notifier.deliver(again=True) == []


def test_a_server_that_names_a_time_is_left_alone_until_then(notifier: Notifier, got: Got) -> None:
    got.status, got.answers = 429, {"Retry-After": "7200"}
    other = replace(MESSAGE, key="another")
    notifier.send(MESSAGE, NOW)
    notifier.send(other, NOW + timedelta(minutes=1))
    got.bodies.clear()
    assert [each.key for each in notifier.deliver(NOW + timedelta(minutes=59))] == []
    got.status, got.answers = 200, {}
    assert {each.key for each in notifier.deliver(NOW + timedelta(minutes=122))} == {"key-1", "another"}


def test_news_of_one_thing_is_sent_in_its_order(notifier: Notifier, got: Got) -> None:
    first, second = (replace(MESSAGE, key=key, about="f") for key in ("f/1", "f/2"))
    got.status = 500
    notifier.send(first, NOW)
    got.status = 200
    assert notifier.send(second, NOW) == []
    notifier.deliver(NOW + timedelta(minutes=2))
    notifier.deliver(NOW + timedelta(minutes=2))
    assert [body["id"] for body in got.bodies] == ["f/1", "f/1", "f/2"]


def test_a_dead_route_does_not_hold_up_the_others(notifier: Notifier, got: Got) -> None:
    dead = Route("dead", "webhook", settings={"url": "https://no-such-host.invalid/"})
    notifier.routes.insert(0, dead)
    outcomes = notifier.send(MESSAGE)
    assert [(each.route, bool(each.why)) for each in outcomes] == [("dead", True), ("team", False)]


@pytest.mark.parametrize(
    ("route", "fits"),
    [
        ({}, True),
        ({"min_severity": Severity.CRITICAL}, False),
        ({"accounts": (MESSAGE.account,)}, True),
        ({"accounts": ("999900001111",)}, False),
        ({"workflows": ("guardduty",)}, False),
        ({"tags": ("environment=prod",)}, True),
        ({"tags": ("pci", "environment")}, True),
        ({"tags": ("environment=dev", "pci")}, False),
        ({"owners": ("payments",)}, True),
        ({"owners": ("web",)}, False),
    ],
)
def test_routes_fit_by_severity_account_tag_owner_and_workflow(route: dict[str, Any], fits: bool) -> None:
    message = replace(MESSAGE, tags={"environment": "prod", "owner": "payments"}, owner="payments")
    assert Route("r", "webhook", **route).fits(message) is fits


def test_what_fits_no_other_route_goes_to_those_that_say_so() -> None:
    web, rest = Route("web", "webhook", owners=("web",)), Route("rest", "webhook", otherwise=True)
    assert fitting([web, rest], replace(MESSAGE, owner="web")) == [web]
    assert fitting([web, rest], replace(MESSAGE, owner="payments")) == [rest]
    assert fitting([web, rest], replace(MESSAGE, severity=Severity.LOW)) == []


def test_a_drill_is_acknowledged_by_its_token_only(notifier: Notifier, got: Got) -> None:
    [(route, canary, why)] = notifier.drill()
    assert why == ""
    token = next(line["text"] for line in got.bodies[0]["lines"] if "notify ack" in line["text"]).split()[-1]
    with pytest.raises(NotifyError, match="acknowledges nothing"):
        notifier.acknowledge(("A" if token[0] != "A" else "B") + token[1:], "mallory")
    assert notifier.answered(route, canary) == (False, "")
    assert notifier.acknowledge(token, "kaede").route == "team"
    assert notifier.answered(route, canary) == (True, "")
    assert notifier.deliver(again=True) == []


def test_a_canary_that_was_not_sent_is_not_sent_later(notifier: Notifier, got: Got) -> None:
    got.status = 500
    [(route, canary, why)] = notifier.drill()
    assert "answered 500" in why
    assert notifier.conclude(route, canary, why) == ""
    got.status = 200
    assert notifier.deliver(again=True) == []
    [finding] = Ledger(notifier.engine).findings()
    assert (finding.finding.severity, finding.status) == (Severity.HIGH, Status.NEW)
    [(route, canary, why)] = notifier.drill()
    notifier.conclude(route, canary, why)
    assert [each.status for each in Ledger(notifier.engine).findings()] == [Status.RESOLVED]
    got.status = 500
    [(route, canary, why)] = notifier.drill()
    notifier.conclude(route, canary, why)
    assert [each.status for each in Ledger(notifier.engine).findings()] == [Status.NEW]


def test_settings_that_cannot_be_meant_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "https://hooks.example.org/x")
    good = {"channel": "slack", "url_env": "HOOK", "min_severity": "low", "language": "ja", "person": "Kaede"}
    [route] = routes({"team": good})
    assert (route.settings, route.min_severity, route.language) == (
        {"url": "https://hooks.example.org/x"},
        Severity.LOW,
        "ja",
    )
    for change, said in (
        ({"channel": "pigeon"}, "no channel has the name 'pigeon'"),
        ({"url_env": "UNSET_HOOK"}, "UNSET_HOOK is not set"),
        ({"min_severity": "huge"}, "min_severity is one of"),
        ({"language": "fr"}, "language of en, ja"),
        ({"accounts": "1"}, "are lists"),
        ({"otherwise": "yes"}, "true or false"),
        ({"acknowledge_minutes": 5}, "belong together"),
        ({"escalate_to": "team"}, "belong together"),
        ({"acknowledge_minutes": 5, "escalate_to": "nobody"}, "which is no route"),
        ({"acknowledge_minutes": 5, "escalate_to": "team"}, "leads back to team"),
        ({"acknowledge_minutes": True, "escalate_to": "team"}, "a number over 0"),
        ({"quiet": ["22-7"]}, "no span of a day"),
        ({"quiet_days": ["someday"]}, "none of monday"),
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
        ({"quiet_passes": "huge"}, "quiet_passes is one of"),
        ({"colour": "red"}, "has no setting colour"),
    ):
        with pytest.raises(NotifyError, match=said):
            routes({"team": good | change})
    with pytest.raises(NotifyError, match="needs url"):
        routes({"team": {"channel": "slack"}})
    with pytest.raises(NotifyError, match="quiet hours are for channels that people read"):
        routes({"hub": {"channel": "security-hub", "quiet": ["22:00-07:00"]}})
