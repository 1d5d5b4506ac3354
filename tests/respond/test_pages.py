"""The pages behind links: looking never decides, deciding counts once, and nothing that a finding says is more than
text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pretend import Pretended, opened_engine, pretended
from sqlalchemy import update
from test_respond_engine import event

from sakimori.model.action import Mode
from sakimori.model.severity import Severity
from sakimori.notify.asking import Links, Seen
from sakimori.notify.message import LANGUAGES, texts
from sakimori.notify.notifier import Notifier
from sakimori.notify.routes import Route
from sakimori.notify.signing import Signer
from sakimori.respond import approval, tables
from sakimori.respond.decisions import Decisions
from sakimori.respond.engine import Engine, Straight
from sakimori.respond.pages import forms
from sakimori.respond.pages.application import Pages, application, mounted
from sakimori.respond.policy import Policy
from sakimori.respond.runs import Run, RunState
from sakimori.respond.telling import about
from sakimori.store.database import writing
from sakimori.store.text import storable

__all__ = ["pretended"]

ADDRESS = "https://sakimori.example.org"
ROUTE = Route("team", "webhook", Severity.LOW, settings={"url": "https://no-such-host.invalid/"})


class Browser:
    """Asks an application as a browser would, without a network."""

    def __init__(self, app: Any) -> None:
        self._app = app

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
                return await client.request(method, path, **given)

        return asyncio.run(ask())

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def post(self, path: str, **given: Any) -> httpx.Response:
        return self.request("POST", path, **given)


@dataclass
class Site:
    """The pages, an engine with a run that waits, and the link that a person was sent."""

    engine: Engine
    notifier: Notifier
    browser: Browser
    run: Run
    started: list[tuple[str, int]]

    def link(self, person: str = "Kaede", language: str = "en") -> str:
        """The path of the link that a message holds."""
        found = about(self.run, self.engine.book.event_of(self.run.id), self.engine.book.open_approval(self.run.id))
        assert found is not None
        said = self.notifier.worded(Route("team", "webhook", person=person, language=language), found)
        [address] = re.findall(r"https://\S+", said.text())
        return address.removeprefix(ADDRESS)

    def forms(self, link: str) -> dict[str, dict[str, str]]:
        """The forms of a page, by verdict."""
        page = self.browser.get(link)
        assert page.status_code == 200, page.text
        return {fields["verdict"]: fields for fields in forms_of(page.text)}

    def state(self) -> RunState:
        return self.engine.book.run(self.run.id).state


@pytest.fixture
def site(tmp_path: Path, pretended: Pretended) -> Iterator[Site]:
    with opened_engine(tmp_path / "ledger.sqlite") as engine:
        yield made(engine)


def made(engine: Engine, run_event: Any = None) -> Site:
    engine.policy = Policy(Mode.APPROVE)
    [run] = engine.take(run_event or event())
    engine.carry(run, Straight())
    links = Links(engine.signer, ADDRESS)
    notifier = Notifier(engine.book.engine, [ROUTE], links, asks=Decisions(engine.book, links))
    started: list[tuple[str, int]] = []
    engine.start = lambda run, attempt: started.append((run, attempt))
    app = application(Pages(engine, notifier, ADDRESS))
    browser = Browser(app)
    return Site(engine, notifier, browser, engine.book.run(run), started)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
        if tag == "input":
            self.forms[-1][given["name"]] = given["value"]


def forms_of(page: str) -> list[dict[str, str]]:
    found = _Forms()
    found.feed(page)
    return found.forms


def test_looking_never_decides(site: Site) -> None:
    link = site.link()
    for method in ("GET", "HEAD", "GET"):
        assert site.browser.request(method, link).status_code == 200
    assert site.state() is RunState.WAITING
    assert site.engine.book.open_approval(site.run.id) is not None
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
        assert site.browser.request(method, link).status_code == 405


def test_the_page_says_what_would_be_done(site: Site) -> None:
    page = unescape(site.browser.get(site.link()).text)
    for part in ("Kaede", site.run.decision, site.run.actions[0].target.uid, "white", "red", site.run.account):
        assert part in page


def test_a_person_approves_and_the_audit_log_says_who(site: Site, pretended: Pretended) -> None:
    fields = site.forms(site.link())
    done = site.browser.post("/approve", data=fields["approve"])
    assert (done.status_code, site.state()) == (200, RunState.CARRYING)
    assert site.started == [(site.run.id, 2)]
    site.engine.carry(site.run.id, Straight())
    assert (site.state(), pretended.applied.total()) == (RunState.DONE, 1)
    story = [(each.by, each.what) for each in site.engine.book.entries(site.run.id)]
    assert ("Kaede, by the link sent to team", "approved") in story
    assert site.engine.book.audited().broken == ""


def test_a_person_rejects(site: Site, pretended: Pretended) -> None:
    done = site.browser.post("/approve", data=site.forms(site.link())["reject"])
    assert (done.status_code, site.state(), site.started) == (200, RunState.REJECTED, [])
    assert pretended.applied.total() == 0


def test_it_counts_once_whoever_was_asked(site: Site) -> None:
    mine, theirs = site.link("Kaede"), site.link("Akari")
    assert mine != theirs
    fields, other = site.forms(mine), site.forms(theirs)
    site.browser.post("/approve", data=fields["approve"])
    for again in (fields["approve"], fields["reject"], other["reject"]):
        refused = site.browser.post("/approve", data=again)
        assert refused.status_code == 409
        assert "approved by Kaede" in refused.text
    assert site.browser.get(theirs).status_code == 409
    assert len(site.started) == 1


def test_a_form_is_for_one_verdict_one_token_and_a_while(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    fields, other = site.forms(site.link("Kaede")), site.forms(site.link("Akari"))
    good = fields["approve"]
    for change in (
        {"verdict": "reject"},
        {"verdict": "nothing"},
        {"form": fields["reject"]["form"]},
        {"token": other["approve"]["token"]},
        {"form": ""},
        {"form": good["token"]},
    ):
        assert site.browser.post("/approve", data=good | change).status_code == 403
    late = datetime.now(UTC) + forms.OPEN_FOR + timedelta(seconds=2)
    assert not forms.is_ours(site.engine.signer, good, late)
    assert forms.is_ours(site.engine.signer, good, late - timedelta(minutes=1))
    assert site.state() is RunState.WAITING


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": ADDRESS, "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_form_that_another_site_sends_is_refused(site: Site, headers: dict[str, str]) -> None:
    good = site.forms(site.link())["approve"]
    assert site.browser.post("/approve", data=good, headers=headers).status_code == 403
    assert site.state() is RunState.WAITING
    assert site.browser.post("/approve", data=good, headers={"Origin": ADDRESS}).status_code == 200


def test_bodies_that_are_no_form_are_refused(site: Site) -> None:
    good = site.forms(site.link())["approve"]
    assert site.browser.post("/approve", json=good).status_code == 403
    assert site.browser.post("/approve", data=good | {"language": "x" * forms.LARGEST}).status_code == 403
    twice = "&".join(f"{name}={value}" for name, value in good.items()) + "&verdict=approve"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert site.browser.post("/approve", content=twice, headers=kind).status_code == 403
    assert site.browser.post("/approve", content=b"\xff\xfe", headers=kind).status_code == 403
    assert site.state() is RunState.WAITING


def test_tokens_that_are_changed_or_of_another_purpose_are_refused(site: Site) -> None:
    [token] = parse_qs(urlsplit(site.link()).query)["token"]
    payload, _, signature = token.partition(".")
    seen = Links(site.engine.signer).acknowledge(Seen("team", "k", "Kaede"), "en").split()[-1]
    for wrong in (payload + "." + signature[::-1], payload[::-1] + "." + signature, seen, "", ".", "x" * 10_000, "é.é"):
        assert site.browser.get("/approve", params={"token": wrong}).status_code == 403
    assert site.browser.get("/acknowledge", params={"token": token}).status_code == 403


def test_an_expired_link_says_so(site: Site) -> None:
    asked = site.engine.book.open_approval(site.run.id)
    assert asked is not None
    old = replace(asked, expires_at="2020-01-01T00:00:00Z")
    token = approval.token(site.engine.signer, approval.Asked(old, approval.plan_of(site.run), "Kaede", "team"))
    page = site.browser.get("/approve", params={"token": token})
    assert page.status_code == 410
    assert "2020-01-01 00:00 UTC" in page.text


def test_a_plan_that_is_not_what_was_asked_about_is_not_approved(site: Site) -> None:
    link = site.link()

    fields = site.forms(link)
    with writing(site.engine.book.engine) as connection:
        connection.execute(update(tables.actions).values(would='{"colour": "black"}'))
    assert site.browser.get(link).status_code == 409
    assert site.browser.post("/approve", data=fields["approve"]).status_code == 409
    assert site.state() is RunState.WAITING


def test_keys_are_changed_and_links_of_the_older_one_count_until_it_is_gone(site: Site) -> None:
    link, old = site.link(), site.engine.signer.keys
    site.engine.link_keys = (b"n" * 32, *old)
    assert site.browser.get(link).status_code == 200
    site.engine.link_keys = (b"n" * 32,)
    assert site.browser.get(link).status_code == 403


def test_every_page_keeps_the_browser_short(site: Site) -> None:
    for path in (site.link(), "/approve?token=x", "/acknowledge?token=x"):
        page = site.browser.get(path)
        policy = page.headers["content-security-policy"]
        [nonce] = re.findall(r"style-src 'nonce-([\w-]+)'", policy)
        assert f'<style nonce="{nonce}">' in page.text
        for part in ("default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert part in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in page.text


def test_pages_are_whole_in_every_language(site: Site) -> None:
    catalogue = texts()["pages"]
    for language in LANGUAGES:
        page = unescape(site.browser.get(site.link(language=language)).text)
        assert f'<html lang="{language}">' in page
        assert catalogue["approve"][language] in page
        assert catalogue["would"][language] in page
    assert "無効" in site.browser.get("/approve?token=x", headers={"Accept-Language": "ja-JP,ja;q=0.9"}).text


def test_acknowledging_takes_a_form_too(site: Site) -> None:
    message = about(site.run, site.engine.book.event_of(site.run.id), site.engine.book.open_approval(site.run.id))
    assert message is not None
    site.notifier.send(message)
    link = site.notifier.links.acknowledge(Seen("team", message.key, "Kaede"), "en").removeprefix(ADDRESS)
    page = site.browser.get(link)
    assert page.status_code == 200
    assert site.notifier.acknowledged(message.key) is None
    assert site.run.actions[0].target.uid in page.text
    assert "/approve?" not in page.text
    assert f"sakimori respond approve {site.run.id}" in page.text
    [fields] = forms_of(page.text)
    assert site.browser.post("/acknowledge", data=fields).status_code == 200
    seen = site.notifier.acknowledged(message.key)
    assert seen is not None
    assert seen[1] == "Kaede"
    assert "Kaede acknowledged it at" in site.browser.get(link).text


def test_the_webhook_and_the_pages_live_at_one_address(site: Site) -> None:
    async def events(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    both = Browser(mounted(application(Pages(site.engine, site.notifier, ADDRESS)), events))
    assert both.post("/events").status_code == 202
    assert both.get(site.link()).status_code == 200
    alone = Browser(mounted(application(Pages(site.engine, site.notifier, ADDRESS)), None))
    assert alone.post("/events").status_code == 404


HOSTILE = st.one_of(
    st.text(max_size=200),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "{{ 7*7 }} {% raw %} {{ config }}",
            "</style><form action=https://evil.example><input name=verdict value=approve>",
            "' onmouseover='alert(1)",
            "\u202egpj.exe\u2066",
        ]
    ),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_whatever_a_finding_says_it_is_text(site: Site, title: str, target: str, why: str) -> None:
    with writing(site.engine.book.engine) as connection:
        connection.execute(update(tables.runs).values(decision=storable(title), why=storable(why)))
        connection.execute(update(tables.actions).values(why=storable(target)))
    site.run = site.engine.book.run(site.run.id)
    page = site.browser.get(site.link())
    assert page.status_code == 200
    found = _Forms()
    found.feed(page.text)
    assert found.tags <= KNOWN_TAGS
    assert len(found.forms) == 2
    assert "49 " not in page.text or "49" in title + target + why
    assert "\u202e" not in page.text


KNOWN_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "h1", "h2", "p", "div", "strong", "code"),
    *("table", "thead", "tbody", "tr", "th", "td", "form", "input", "button"),
}


def test_signers_believe_their_own_purpose_only() -> None:
    signer = Signer((b"a" * 32,))
    token = signer.sign("one", ("x", "ü"))
    assert signer.read("one", token) == ["x", "ü"]
    assert signer.read("two", token) is None
    assert Signer((b"b" * 32,)).read("one", token) is None
    assert Signer((b"b" * 32, b"a" * 32)).read("one", token) == ["x", "ü"]
    payload, _, signature = token.partition(".")
    for other in (payload + "=." + signature, payload + "." + signature + "=", payload, token + ".x", f" {payload}"):
        assert signer.read("one", other) is None
