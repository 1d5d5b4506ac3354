"""The drill: canaries are sent, waited for, concluded; a dead route is said so and kept as a finding."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from sakimori.cli.notify_drill import drilled
from sakimori.notify.asking import Links, Seen
from sakimori.notify.drills import RULE
from sakimori.notify.notifier import Notifier
from sakimori.notify.routes import Route
from sakimori.notify.signing import Signer
from sakimori.store.database import connect
from sakimori.store.findings import FindingFilter, Status
from sakimori.store.ledger import Ledger

sys.path.append(str(Path(__file__).resolve().parents[1] / "notify"))

from servers import Got, http


@pytest.fixture
def got() -> Iterator[Got]:
    with http() as server:
        yield server


@pytest.fixture
def notifier(got: Got, tmp_path: Path) -> Iterator[Notifier]:
    engine = connect(tmp_path / "ledger.sqlite")
    alive = Route("alive", "webhook", settings={"url": got.address, "private": True})
    dead = Route("dead", "webhook", settings={"url": "http://127.0.0.1:9/", "private": True})
    yield Notifier(engine, [alive, dead], Links(Signer((b"k" * 32,))))
    engine.dispose()


def dead_routes(notifier: Notifier) -> dict[str, Status]:
    found = Ledger(notifier.engine).findings(FindingFilter())
    return {each.finding.asset: each.status for each in found if each.finding.rule == RULE}


def test_a_route_that_is_not_acknowledged_or_not_reached_is_dead(
    notifier: Notifier, capsys: pytest.CaptureFixture[str]
) -> None:
    alive, dead = drilled(notifier, 0.0, [])
    assert (alive["alive"], alive["why"]) == (False, "nobody acknowledged it within 0 seconds")
    assert dead["alive"] is False
    assert "no connection" in dead["why"]
    assert dead_routes(notifier) == {"alive": Status.NEW, "dead": Status.NEW}
    assert capsys.readouterr().err.splitlines() == ["alive: sent, waiting", "dead: not sent"]


def test_a_canary_that_somebody_acknowledges_shows_that_the_route_works(notifier: Notifier, got: Got) -> None:
    drilled(notifier, 0.0, ["alive"])

    def acknowledge() -> None:
        while len(got.bodies) < 2:
            threading.Event().wait(0.02)
        token = notifier.links.signer.sign("acknowledge", ("alive", got.bodies[1]["id"], "Kaede"))
        assert notifier.acknowledge(token) == Seen("alive", got.bodies[1]["id"], "Kaede")

    thread = threading.Thread(target=acknowledge)
    thread.start()
    [row] = drilled(notifier, 30.0, ["alive"])
    thread.join()
    assert row == {"route": "alive", "alive": True, "why": ""}
    assert dead_routes(notifier) == {"alive": Status.RESOLVED}


def test_a_route_that_is_none_is_refused_and_nothing_is_sent(notifier: Notifier, got: Got) -> None:
    with pytest.raises(typer.BadParameter, match="'nobody' is no route"):
        drilled(notifier, 0.0, ["alive", "nobody"])
    assert got.bodies == []
