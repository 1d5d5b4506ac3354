"""What is new, once; routes that fit; drills."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from servers import Got, http
from test_channels import FINDING, MESSAGE

from sakimori.model.severity import Severity
from sakimori.notify.errors import NotifyError
from sakimori.notify.notifier import TRIES, Notifier
from sakimori.notify.routes import Route, routes
from sakimori.store.database import connect
from sakimori.store.findings import Status
from sakimori.store.ledger import Ledger


@pytest.fixture
def got() -> Iterator[Got]:
    with http() as server:
        yield server


@pytest.fixture
def notifier(got: Got, tmp_path: Path) -> Iterator[Notifier]:
    engine = connect(tmp_path / "ledger.sqlite")
    settings = {"url": got.address, "private": True}
    yield Notifier(engine, [Route("team", "webhook", settings=settings)], b"k" * 32)
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


def test_what_failed_is_tried_again_and_not_for_ever(notifier: Notifier, got: Got) -> None:
    got.status = 503
    for _ in range(TRIES + 3):
        notifier.send(MESSAGE)
    assert len(got.bodies) == TRIES
    other = replace(MESSAGE, key="another")
    assert "answered 503" in notifier.send(other)[0].why
    got.status = 200
    assert notifier.send(other)[0].why == ""
    assert notifier.send(other) == []


def test_a_dead_route_does_not_hold_up_the_others(notifier: Notifier, got: Got) -> None:
    dead = Route("dead", "webhook", settings={"url": "https://no-such-host.invalid/"})
    notifier.routes.insert(0, dead)
    outcomes = notifier.send(MESSAGE)
    assert [(each.route, bool(each.why)) for each in outcomes] == [("dead", True), ("team", False)]


def test_killed_while_sending_it_is_not_sent_twice(notifier: Notifier, got: Got) -> None:
    assert notifier._claim(notifier.routes[0], MESSAGE)  # and now it is killed
    assert notifier.send(MESSAGE) == []
    assert got.bodies == []


@pytest.mark.parametrize(
    ("route", "fits"),
    [
        ({}, True),
        ({"min_severity": Severity.CRITICAL}, False),
        ({"accounts": (MESSAGE.account,)}, True),
        ({"accounts": ("999900001111",)}, False),
        ({"workflows": ("guardduty",)}, False),
    ],
)
def test_routes_fit_by_severity_account_and_workflow(route: dict[str, Any], fits: bool) -> None:
    assert Route("r", "webhook", **route).fits(MESSAGE) is fits


def test_a_drill_is_acknowledged_by_its_token_only(notifier: Notifier, got: Got) -> None:
    [(route, key, why)] = notifier.drill()
    assert why == ""
    token = next(line["text"] for line in got.bodies[0]["lines"] if "notify ack" in line["text"]).split()[-1]
    with pytest.raises(NotifyError, match="acknowledges nothing"):
        notifier.acknowledge(token[:-1] + ("0" if token[-1] != "0" else "1"), "mallory")
    assert not notifier.acknowledged(route.name, key)
    assert notifier.acknowledge(token, "kaede") == "team"
    assert notifier.acknowledged(route.name, key)


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
        ({"colour": "red"}, "has no setting colour"),
    ):
        with pytest.raises(NotifyError, match=said):
            routes({"team": good | change})
    with pytest.raises(NotifyError, match="needs url"):
        routes({"team": {"channel": "slack"}})
