"""Routes and messages as `sakimori notify list` and `notify log` show them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sakimori.cli.notify_output import log_line, log_row, route_line, route_row
from sakimori.model.severity import Severity
from sakimori.notify.ledger_outbox import LedgerOutbox
from sakimori.notify.message import Message
from sakimori.notify.outbox import State
from sakimori.notify.routes import Route, routes
from sakimori.store.database import connect

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
FACTS = {"title": "A bucket is open", "description": "d", "uid": "f", "remedy": ""}
MESSAGE = Message("finding-new", "f/finding-new/1", Severity.HIGH, "1", "arn:aws:s3:::data", "", FACTS, about="f")

SETTINGS = {
    "team": {
        "channel": "slack",
        "url": "https://hooks.example.org/S3CRET",
        "min_severity": "medium",
        "tags": ["pci"],
        "owners": ["payments"],
        "person": "Kaede",
        "quiet": ["22:00-07:00"],
        "quiet_days": ["sunday"],
        "time_zone": "Asia/Tokyo",
        "quiet_passes": "critical",
        "acknowledge_minutes": 30,
        "escalate_to": "oncall",
    },
    "oncall": {"channel": "sns", "topic": "arn:aws:sns:eu-west-1:1:t", "otherwise": True},
}


def test_a_route_says_what_it_takes_when_it_is_quiet_and_where_it_leads_and_no_secret() -> None:
    team, oncall = (route_row(each) for each in routes(SETTINGS))
    assert "S3CRET" not in str(team)
    assert (team["quiet"], team["quiet_days"]) == (["22:00-07:00"], ["sunday"])
    assert (team["quiet_passes"], team["min_severity"]) == ("Critical", "Medium")
    assert route_line(team).split(None, 2)[2] == (
        "from Medium; tags pci; owners payments; quiet 22:00-07:00, sunday Asia/Tokyo, but not for Critical; "
        "to oncall after 30 min; for Kaede"
    )
    assert route_line(oncall).endswith("from High; what fits no other")


def test_a_message_says_where_it_stands_why_and_who_has_seen_it(tmp_path: Path) -> None:
    engine = connect(tmp_path / "ledger.sqlite")
    waiting = LedgerOutbox(engine)
    waiting.alone(lambda page: page.enter("team", MESSAGE, State.DUE, NOW))
    [entry] = waiting.log()
    entered, message = log_row(entry), waiting.alone(lambda page: page.claim(entry, NOW))
    assert message is not None
    waiting.alone(lambda page: page.failed(entry, message, "no connection", 0.0, NOW))
    failed = log_row(waiting.log()[0])
    waiting.alone(lambda page: page.delivered(entry, "OPS-1", "", NOW))
    waiting.alone(lambda page: page.acknowledge(entry.news, "Kaede", NOW))
    sent = log_row(waiting.log()[0])
    engine.dispose()
    assert (entered["state"], entered["next_at"], entered["title"]) == ("due", "", "[High] A bucket is open")
    assert log_line(failed).endswith("; no connection; again at 2026-11-25T12:01")
    assert log_line(sent).split() == (
        "2026-11-25T12:00:00 team sent OPS-1 [High] A bucket is open; Kaede has seen it".split()
    )


def test_a_route_without_settings_takes_what_is_high() -> None:
    assert route_line(route_row(Route("r", "slack"))).split() == ["r", "slack", "from", "High"]
