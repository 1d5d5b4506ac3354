"""Killed with SIGKILL while it enters, holds, gathers or sends: nothing is lost, and little comes twice."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from servers import http
from sqlalchemy import Engine, select
from test_channels import FINDING

from sakimori.notify.tables import sent
from sakimori.store.database import connect, reading
from sakimori.store.ledger import Ledger

PROGRAM = Path(__file__).with_name("outbox_process.py")
FINDINGS = 120
KILLS = 4


def spell(ledger: Path, url: str, channel: str, minutes: int, seconds: float | None) -> None:
    """Runs the process for a while and kills it; without a time until its first turn is done."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    given = [sys.executable, str(PROGRAM), str(ledger), url, channel, str(minutes)]
    process = subprocess.Popen(given, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        if seconds is None:
            assert process.stdout.readline() == "first\n"
        else:
            threading.Event().wait(seconds)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("channel", ["webhook", "slack"])
def test_nothing_is_lost(channel: str, tmp_path: Path) -> None:
    chance = random.Random(channel)
    place = tmp_path / "ledger.sqlite"
    engine = connect(place)
    Ledger(engine).upsert_findings(
        [replace(FINDING, uid=f"{number:032d}", title=f"number {number}.") for number in range(FINDINGS)]
    )
    engine.dispose()
    with http() as got:
        got.seconds = 0.005
        night = 60 if channel == "slack" else 0
        for turn in range(KILLS):
            spell(place, got.address, channel, night + 6 * turn, chance.uniform(0.0, 0.4))
        if channel == "slack":
            spell(place, got.address, channel, 6 * 60, None)
            assert got.bodies == []
            for turn in range(KILLS):
                spell(place, got.address, channel, 7 * 60 + 6 * turn, chance.uniform(0.0, 0.2))
        for turn in (20, 21):
            spell(place, got.address, channel, 8 * 60 + 6 * turn, None)
        engine = connect(place)
        ledger_rows = states(engine)
        engine.dispose()
        assert ledger_rows == {"sent"}
        if channel == "webhook":
            ids = [body["about"] for body in got.bodies]
            assert sorted(set(ids)) == [f"{number:032d}" for number in range(FINDINGS)]
            assert len(ids) <= FINDINGS + KILLS
            twice = [body for number, body in enumerate(got.bodies) if body["about"] in ids[:number]]
            assert all("perhaps" in body["facts"] for body in twice), "who gets it twice is told so"
        else:
            said = [re.search(r"(\d+) messages", str(body)) for body in got.bodies]
            assert {int(found[1]) for found in said if found} == {FINDINGS}


def states(engine: Engine) -> set[str]:
    with reading(engine) as connection:
        return set(connection.execute(select(sent.c.state)).scalars())
