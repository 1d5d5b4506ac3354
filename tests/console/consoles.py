"""A console over a new ledger, asked over real HTTP."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine as Database

sys.path.append(str(Path(__file__).resolve().parents[1] / "respond"))

from pretend import Pretended, opened_engine, pretended
from test_respond_engine import event

from sakimori.cli.serving import background
from sakimori.console import people
from sakimori.console.application import application, routes
from sakimori.console.page import Console
from sakimori.model.action import Mode
from sakimori.protect import secrets
from sakimori.protect.serving import configured
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.policy import Policy
from sakimori.respond.runs import Run

__all__ = ["cheap", "pretended", "site"]

PASSWORD = "quiet lantern over the river"


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((given.get("action", ""), {}))
        if tag == "input" and self.forms and "name" in given:
            self.forms[-1][1][given["name"]] = given.get("value", "")


def parsed(page: str) -> _Forms:
    found = _Forms()
    found.feed(page)
    return found


@dataclass
class Visitor:
    """A browser without a screen: it keeps cookies, and says where its forms come from."""

    address: str
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.address, trust_env=False, timeout=60)

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.client.get(path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        headers = {"Origin": self.address, "Sec-Fetch-Site": "same-origin"} | given.pop("headers", {})
        return self.client.post(path, headers=headers, **given)

    def form(self, page: str, action: str, nth: int = 0) -> dict[str, str]:
        """The fields of the form of a page that goes to `action`."""
        found = self.get(page)
        assert found.status_code == 200, found.text
        return [fields for place, fields in parsed(found.text).forms if place == action][nth]

    def send(self, page: str, action: str, nth: int = 0, **more: str) -> httpx.Response:
        return self.post(action, data=self.form(page, action, nth) | more)

    def sign_in(self, name: str = "kaede", password: str = PASSWORD) -> httpx.Response:
        return self.send("/sign-in", "/sign-in", name=name, password=password)

    def text(self, path: str, **given: Any) -> str:
        found = self.get(path, **given)
        assert found.status_code == 200, found.text
        return self.words(found.text)

    @staticmethod
    def words(page: str) -> str:
        """The text of a page."""
        return unescape(re.sub(r"<[^>]*>", " ", page))

    def json(self, path: str) -> Any:
        found = self.get(path)
        assert found.status_code == 200, found.text
        return found.json()


@dataclass
class Site:
    """A console that is served."""

    console: Console
    app: FastAPI
    address: str
    started: list[tuple[str, int]]

    @property
    def engine(self) -> Engine:
        return self.console.engine

    def visitor(self) -> Visitor:
        return Visitor(self.address)

    def kaede(self) -> Visitor:
        """Somebody who has signed in."""
        found = self.visitor()
        assert found.sign_in().status_code == 303
        return found

    def known(self, name: str = "kaede") -> None:
        """Makes a person with a password."""
        now = datetime.now(UTC)
        secret = people.invite(self.console.database, name, now)
        people.accept(self.console.database, secret, PASSWORD, now, self.console.lasting)

    def run(self, mode: Mode = Mode.AUTO, number: int = 1, **options: Any) -> Run:
        self.engine.policy = Policy(mode)
        start, self.engine.start = self.engine.start, None
        [run] = self.engine.take(event(number, **options))
        self.engine.carry(run, Straight())
        self.engine.start = start
        return self.engine.book.run(run)


@contextmanager
def served(console: Console, calls: socket.socket) -> Iterator[None]:
    """As `sakimori up` serves it."""
    with background(configured(application(console), None, lifespan="off", timeout_graceful_shutdown=1), calls):
        yield


@contextmanager
def opened_site(engine: Engine, database: Database) -> Iterator[Site]:
    """A console over an engine, with a person who may sign in."""
    with socket.create_server(("127.0.0.1", 0)) as calls:
        console = Console(engine, database, f"http://127.0.0.1:{calls.getsockname()[1]}")
        started: list[tuple[str, int]] = []
        engine.start = lambda run, attempt: started.append((run, attempt))
        made = Site(console, routes(console), console.address, started)
        made.known()
        with served(console, calls):
            yield made


@pytest.fixture
def cheap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Passwords cost less here: a test signs in dozens of times."""
    monkeypatch.setitem(secrets._COSTS, secrets.PASSWORD, secrets._COSTS[secrets.PASSWORD] | {"n": 16})
    people._nobodys.cache_clear()
    yield
    people._nobodys.cache_clear()


@pytest.fixture
def site(tmp_path: Path, pretended: Pretended, cheap: None) -> Iterator[Site]:
    with opened_engine(tmp_path / "ledger.sqlite") as engine, opened_site(engine, engine.book.engine) as made:
        yield made
