"""Quiet hours, digests, owners, and what becomes of what nobody acknowledges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_string
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import Got, http, smtp
from test_channels import FINDING

from sakimori.model.asset import Asset
from sakimori.model.severity import Severity
from sakimori.notify.asking import Links
from sakimori.notify.errors import NotifyError
from sakimori.notify.notifier import BURST, Notifier
from sakimori.notify.options import options
from sakimori.notify.quiet import Quiet, quiet
from sakimori.notify.routes import Route
from sakimori.notify.sender import People
from sakimori.notify.signing import Signer
from sakimori.store.database import connect
from sakimori.store.discovered import Ended, Scope, Seen
from sakimori.store.findings import Status
from sakimori.store.ledger import Ledger

LINKS = Links(Signer((b"k" * 32,)))
NIGHT = quiet("r", {"quiet": ["22:00-07:00"], "time_zone": "Asia/Tokyo", "quiet_passes": "critical"})
MIDNIGHT = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""It is midnight in Tokyo, and seven hours later morning."""
MORNING = MIDNIGHT + timedelta(hours=7)


@pytest.fixture
def got() -> Iterator[Got]:
    with http() as server:
        yield server


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    engine = connect(tmp_path / "ledger.sqlite")
    yield Ledger(engine)
    engine.dispose()


def route(got: Got, name: str = "team", **more: Any) -> Route:
    settings = {"url": got.address + f"?{name}", "private": True}
    return Route(name, "slack", Severity.LOW, settings=settings, **more)


def notifier(ledger: Ledger, *routes: Route, **more: Any) -> Notifier:
    return Notifier(ledger._engine, routes, LINKS, **more)


def text_of(body: dict[str, Any]) -> str:
    return "\n".join(block["text"]["text"] for block in body["blocks"] if "text" in block)


def numbered(number: int, severity: Severity = Severity.HIGH) -> Any:
    return replace(FINDING, uid=f"{number:032d}", title=f"finding number {number}", severity=severity)


# ---- when it is quiet


def plainly_quiet(spans: list[tuple[int, int]], days: set[int], zone: str, now: datetime) -> bool:
    """The oracle: every minute of a span, written down."""
    local = now.astimezone(ZoneInfo(zone))
    minutes: set[int] = set()
    for begin, end in spans:
        at = begin
        while at != end:
            minutes.add(at)
            at = (at + 1) % 1440
    return local.weekday() in days or local.hour * 60 + local.minute in minutes


@given(
    st.lists(st.tuples(st.integers(0, 1439), st.integers(0, 1439)).filter(lambda pair: pair[0] != pair[1]), max_size=3),
    st.sets(st.integers(0, 6), max_size=3),
    st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York", "Asia/Kathmandu", "Europe/London"]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
)
def test_quiet_is_what_the_clock_on_the_wall_says(
    spans: list[tuple[int, int]], days: set[int], zone: str, now: datetime
) -> None:
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    spelt = [f"{b // 60:02}:{b % 60:02}-{e // 60:02}:{e % 60:02}" for b, e in spans]
    made = quiet("r", {"quiet": spelt, "quiet_days": [names[day] for day in days], "time_zone": zone})
    assert made.is_now(now) is plainly_quiet(spans, days, zone, now)


def test_summer_time_moves_the_quiet_hours_with_the_clock() -> None:
    night = quiet("r", {"quiet": ["22:00-07:00"], "time_zone": "Europe/London"})
    assert night.is_now(datetime(2026, 7, 1, 5, 59, tzinfo=UTC))
    assert not night.is_now(datetime(2026, 7, 1, 6, 1, tzinfo=UTC))
    assert night.is_now(datetime(2026, 1, 1, 6, 59, tzinfo=UTC))
    assert not Quiet().is_now(MIDNIGHT)


def test_what_comes_at_night_is_one_digest_in_the_morning(ledger: Ledger, got: Got) -> None:
    team = notifier(ledger, route(got, quiet=NIGHT, language="ja"))
    for number in range(3):
        ledger.upsert_findings([numbered(number, (Severity.LOW, Severity.HIGH, Severity.MEDIUM)[number])])
        assert team.send_findings(ledger.findings(), MIDNIGHT + timedelta(minutes=number)) == []
    assert got.bodies == []
    assert ", 3 held until the quiet hours are over" in team.waiting()
    assert [each.why for each in team.deliver(MORNING)] == [""]
    [body] = got.bodies
    said = text_of(body)
    assert "3 件の通知" in said
    assert [said.index(f"finding number {number}") for number in (1, 2, 0)] == sorted(
        said.index(f"finding number {number}") for number in range(3)
    )
    for part in ("対象", "実行者", "重要な理由", "対応", "sakimori explain"):
        assert said.count(part) >= 3
    assert team.deliver(MORNING + timedelta(hours=1)) == []
    assert team.send_findings(ledger.findings(), MORNING + timedelta(hours=1)) == []
    assert {row.state for row in team.log()} == {"sent"}


def test_one_alone_is_sent_as_it_is_and_the_worst_are_not_held(ledger: Ledger, got: Got) -> None:
    team = notifier(ledger, route(got, quiet=NIGHT))
    ledger.upsert_findings([numbered(1), numbered(2, Severity.CRITICAL)])
    assert len(team.send_findings(ledger.findings(), MIDNIGHT)) == 1
    assert "finding number 2" in text_of(got.bodies[0])
    team.deliver(MORNING)
    assert "finding number 1" in text_of(got.bodies[1])
    assert "messages" not in text_of(got.bodies[1])


def test_a_digest_that_fails_is_tried_again_with_all_that_is_in_it(ledger: Ledger, got: Got) -> None:
    team = notifier(ledger, route(got, quiet=NIGHT))
    ledger.upsert_findings([numbered(1), numbered(2)])
    team.send_findings(ledger.findings(), MIDNIGHT)
    got.status = 500
    team.deliver(MORNING)
    got.status = 200
    ledger.upsert_findings([numbered(3)])
    team.send_findings(ledger.findings(), MORNING + timedelta(minutes=2))
    texts = [text_of(body) for body in got.bodies]
    assert sum("finding number 1" in text and "finding number 2" in text for text in texts) == 2
    assert {row.state for row in team.log()} == {"sent"}


@pytest.mark.parametrize("channel", ["slack", "teams"])
@pytest.mark.parametrize("description", ["長い説明" * 200, "-_*[]" * 100, "short"])
def test_many_at_once_are_one_digest_that_fits(ledger: Ledger, got: Got, channel: str, description: str) -> None:
    team = notifier(ledger, replace(route(got), channel=channel))
    ledger.upsert_findings([replace(numbered(number), description=description) for number in range(BURST * 20)])
    assert [each.why for each in team.send_findings(ledger.findings())] == [""]
    [body] = got.bodies
    assert len(got.raw[0]) < 28_000
    assert len(body.get("blocks", [])) <= 50
    whole = str(body).replace("\\", "")
    assert "200 messages" in whole
    assert "more: sakimori notify log" in whole
    assert "digest-1-200" in whole
    assert len(team.log(digest="digest-1-200", limit=500)) == 200
    told, more = set(re.findall(r"finding number (\d+)", whole)), re.search(r"And (\d+) more", whole)
    assert more is not None
    assert 3 <= len(told) == BURST * 20 - int(more[1])


def test_programs_get_each_by_itself(ledger: Ledger, got: Got) -> None:
    one = Route("siem", "webhook", Severity.LOW, settings={"url": got.address, "private": True})
    ledger.upsert_findings([numbered(number) for number in range(BURST + 5)])
    notifier(ledger, one).send_findings(ledger.findings())
    assert len(got.bodies) == BURST + 5


# ---- whose it is


def test_the_owner_of_an_asset_is_told_by_name(ledger: Ledger, got: Got) -> None:
    run = ledger.begin_discovery("test")
    scope = Scope("1", "us-east-1", "s3")
    asset = Asset(FINDING.asset, "AWS::S3::Bucket", "1", "us-east-1", {}, {"Owner": "payments", "pci": "yes"})
    ledger.record(run, [Seen(scope, (asset,)), Ended(scope, ("AWS::S3::Bucket",))])
    people = People({"payments": "Kaede"})
    routes = (
        route(got, "payments", owners=("payments",)),
        route(got, "web", owners=("web",)),
        route(got, "pci", tags=("pci",), person="Akari"),
        route(got, "rest", otherwise=True, person="Nagi"),
    )
    ledger.upsert_findings([FINDING, replace(FINDING, uid="0" * 32, asset="arn:aws:s3:::unknown")])
    outcomes = notifier(ledger, *routes, people=people).send_findings(ledger.findings())
    assert sorted((each.route, each.key[0]) for each in outcomes) == [("payments", "f"), ("pci", "f"), ("rest", "0")]
    assert sorted("Kaede" in text_of(body) for body in got.bodies) == [False, True, True]
    assert any("Nagi" in text_of(body) for body in got.bodies)


def test_options_that_cannot_be_meant_are_refused() -> None:
    assert options({}, {}) == ("", People())
    assert options({"address": "https://x.example/a/"}, {"web": "Nagi"})[0] == "https://x.example/a"
    assert options({"address": "http://127.0.0.1:8472"}, {})[0] == "http://127.0.0.1:8472"
    for given_options, people in (
        ({"address": "http://x.example"}, {}),
        ({"address": "ftp://x"}, {}),
        ({"address": "https://x.example/?a=b"}, {}),
        ({"address": "https://[x"}, {}),
        ({"owner_tags": "owner"}, {}),
        ({"colour": "red"}, {}),
        ({}, {"web": 1}),
    ):
        with pytest.raises(NotifyError):
            options(given_options, people)


# ---- who has seen it


@pytest.fixture
def chain(ledger: Ledger, got: Got) -> Notifier:
    """Three routes, each for what the one before did not hear."""
    return notifier(
        ledger,
        route(got, "team", acknowledge_minutes=30, escalate_to="lead", person="Kaede"),
        replace(route(got, "lead", acknowledge_minutes=60, escalate_to="oncall"), min_severity=Severity.FATAL),
        replace(route(got, "oncall", language="ja"), min_severity=Severity.FATAL),
    )


def token(body: dict[str, Any]) -> str:
    return next(line for line in text_of(body).split("\n") if "notify ack" in line).split()[-1]


def test_what_nobody_acknowledges_goes_on_and_ends(ledger: Ledger, got: Got, chain: Notifier) -> None:
    ledger.upsert_findings([FINDING])
    chain.send_findings(ledger.findings(), MIDNIGHT)
    routes = []
    for minutes in range(0, 600, 10):
        routes += [(minutes, each.route) for each in chain.deliver(MIDNIGHT + timedelta(minutes=minutes))]
    assert routes == [(30, "lead"), (90, "oncall")]
    assert "Nobody acknowledged this within 30 minutes at team (Kaede)." in text_of(got.bodies[1])
    assert "lead では 60 分以内に" in text_of(got.bodies[2])
    assert "notify ack" not in text_of(got.bodies[2])


@pytest.mark.parametrize("where", [0, 1])
def test_an_acknowledgement_anywhere_ends_it_everywhere(ledger: Ledger, got: Got, chain: Notifier, where: int) -> None:
    ledger.upsert_findings([FINDING])
    chain.send_findings(ledger.findings(), MIDNIGHT)
    if where:
        chain.deliver(MIDNIGHT + timedelta(minutes=31))
    chain.acknowledge(token(got.bodies[where]), "nagi")
    sent = len(got.bodies)
    assert chain.deliver(MIDNIGHT + timedelta(days=2)) == []
    assert len(got.bodies) == sent
    assert {row.acknowledged_by for row in chain.log()} == {"nagi"}


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.RESOLVED, Status.SUPPRESSED])
def test_a_finding_that_somebody_is_at_goes_to_nobody_else(ledger: Ledger, chain: Notifier, status: Status) -> None:
    ledger.upsert_findings([FINDING])
    chain.send_findings(ledger.findings(), MIDNIGHT)
    ledger.set_status(FINDING.uid, status, "kaede")
    assert chain.deliver(MIDNIGHT + timedelta(hours=1)) == []


def test_what_escalated_is_told_its_end_too(ledger: Ledger, got: Got, chain: Notifier) -> None:
    ledger.upsert_findings([FINDING])
    chain.send_findings(ledger.findings(), MIDNIGHT)
    chain.deliver(MIDNIGHT + timedelta(minutes=31))
    ledger.set_status(FINDING.uid, Status.RESOLVED, "sakimori")
    outcomes = chain.send_findings(ledger.findings(), MIDNIGHT + timedelta(minutes=32))
    assert sorted(each.route for each in outcomes) == ["lead", "team"]


def test_a_digest_is_acknowledged_as_one(ledger: Ledger, got: Got) -> None:
    team = route(got, "team", quiet=NIGHT, acknowledge_minutes=30, escalate_to="lead")
    both = notifier(ledger, team, replace(route(got, "lead"), min_severity=Severity.FATAL))
    ledger.upsert_findings([numbered(1), numbered(2)])
    both.send_findings(ledger.findings(), MIDNIGHT)
    both.deliver(MORNING)
    assert text_of(got.bodies[0]).count("notify ack") == 1
    both.acknowledge(token(got.bodies[0]), "kaede")
    assert both.deliver(MORNING + timedelta(hours=1)) == []
    assert {row.acknowledged_by for row in both.log()} == {"kaede"}


def test_a_digest_that_nobody_acknowledges_goes_on_whole(ledger: Ledger, got: Got) -> None:
    team = route(got, "team", quiet=NIGHT, acknowledge_minutes=30, escalate_to="lead")
    both = notifier(ledger, team, replace(route(got, "lead"), min_severity=Severity.FATAL))
    ledger.upsert_findings([numbered(1), numbered(2)])
    both.send_findings(ledger.findings(), MIDNIGHT)
    both.deliver(MORNING)
    assert [each.route for each in both.deliver(MORNING + timedelta(minutes=31))] == ["lead"]
    assert "finding number 2" in text_of(got.bodies[1])


def test_a_link_is_made_for_the_person_and_kept_nowhere(ledger: Ledger, got: Got) -> None:
    links = replace(LINKS, address="https://sakimori.example.org")
    one = Notifier(ledger._engine, [route(got, acknowledge_minutes=5, escalate_to="team2", person="Kaede")], links)
    ledger.upsert_findings([FINDING])
    one.send_findings(ledger.findings())
    said = text_of(got.bodies[0])
    assert "<https://sakimori.example.org/acknowledge?token=" in said
    signed = said.partition("token=")[2].partition("&")[0]
    assert links.seen(signed).person == "Kaede"
    assert all(signed not in str(entry) for entry in one.log())


def test_mail_carries_a_digest_and_its_thread(ledger: Ledger, got: Got) -> None:
    with smtp() as post:
        settings = {
            "host": post.address,
            "port": post.port,
            "sender": "s@x.example",
            "to": "a@x.example",
            "private": True,
        }
        one = notifier(ledger, Route("mail", "smtp", Severity.LOW, settings=settings, quiet=NIGHT))
        ledger.upsert_findings([numbered(1), numbered(2)])
        one.send_findings(ledger.findings(), MIDNIGHT)
        one.deliver(MORNING)
        [mail] = [message_from_string(body) for body in post.bodies]
        said = mail.get_payload(decode=True).decode()
        assert "finding number 1" in said
        assert "finding number 2" in said
