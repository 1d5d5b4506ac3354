"""Whom a function tells beside its topic, and the time zones that it takes along."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sakimori.model.severity import Severity
from sakimori.notify.asking import Links
from sakimori.notify.errors import NotifyError
from sakimori.notify.message import Message
from sakimori.notify.quiet import quiet
from sakimori.notify.routes import Route
from sakimori.notify.sender import People
from sakimori.notify.signing import Signer
from sakimori.respond.carried_zones import known, zones
from sakimori.respond.errors import Passing
from sakimori.respond.guard import Guard
from sakimori.respond.teller import TOPIC, Teller

MESSAGE = Message("run-done", "run/1/run-done", Severity.LOW, "1", "arn:aws:s3:::data", "", {"workflow": "guardduty"})
ROUTES = [
    Route("team", "slack", Severity.LOW, workflows=("guardduty",)),
    Route("rest", "slack", Severity.LOW, otherwise=True),
]


class Resting(Guard):
    """Every API rests."""

    def call(self, api: str, account: str, ask: Any) -> Any:
        raise Passing(f"{api} rests")


def teller(guard: Guard | None = None, **lacking: str) -> Teller:
    nothing: Any = SimpleNamespace()
    links = Links(Signer((b"k" * 32,)))
    return Teller(
        nothing,
        Route(TOPIC, "sns", settings={"topic": "arn:aws:sns:us-east-1:1:people"}),
        ROUTES,
        links,
        People(),
        nothing,
        guard=guard or Guard(),
        lacking=lacking,
        has_time=lambda: False,
    )


@pytest.mark.parametrize(("workflow", "others"), [("guardduty", ["team"]), ("waf", ["rest"])])
def test_the_topic_is_told_of_everything_and_leaves_to_others_what_fits_no_other(
    workflow: str, others: list[str]
) -> None:
    message = Message("run-done", "k", Severity.LOW, "1", "", "", {"workflow": workflow})
    assert [route.name for route in teller().fitting(message)] == [TOPIC, *others]


def test_what_cannot_be_used_for_now_says_why_and_so_does_a_channel_that_rests() -> None:
    with pytest.raises(NotifyError, match="the secret has no URL"):
        teller(team="the secret has no URL").told(ROUTES[0], MESSAGE)
    with pytest.raises(NotifyError, match="slack rests") as found:
        teller(Resting()).told(ROUTES[0], MESSAGE)
    assert found.value.passing
    assert teller().has_time() is False


@pytest.fixture
def no_zones_here() -> Iterator[None]:
    """A machine without a time zone database."""
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath([])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath(before)
    zoneinfo.ZoneInfo.clear_cache()


def test_quiet_hours_are_known_where_the_machine_knows_no_time_zones(tmp_path: Path, request: Any) -> None:
    for path, body in zones(["Asia/Tokyo"]).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(body)
    request.getfixturevalue("no_zones_here")
    night = {"quiet": ["22:00-07:00"], "time_zone": "Asia/Tokyo"}
    with pytest.raises(NotifyError, match="is no time zone"):
        quiet("r", night)
    known(tmp_path)
    midnight = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
    assert quiet("r", night).is_now(midnight)
    assert not quiet("r", {}).is_now(midnight)
