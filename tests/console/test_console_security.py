"""Nobody gets past the gate: every address and every act, sign-in, and whatever hostile text there is to show."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from consoles import Site, cheap, parsed, pretended, site
from pretend import Pretended
from sqlalchemy import update

from sakimori.console import gate, people
from sakimori.console.page import Act
from sakimori.console.pages import acts, pages
from sakimori.model.action import Mode
from sakimori.respond import tables
from sakimori.respond.pages import forms
from sakimori.respond.runs import RunState
from sakimori.store.database import writing
from sakimori.store.tables import findings
from sakimori.store.text import storable

__all__ = ["cheap", "pretended", "site"]

OPEN = {"/sign-in", "/welcome", "/assets/{name}", "/healthz", "/", "/sign-out"}
"""What may be asked for without having signed in; the last two lead to the sign-in page, and no further."""


def every_route(site: Site) -> Iterator[tuple[str, str]]:
    """(method, path) of the whole table of routes."""
    for route in site.app.routes:
        path = route.path  # type: ignore[attr-defined]
        for method in route.methods:  # type: ignore[attr-defined]
            yield method, path


def filled(path: str) -> str:
    return re.sub(r"\{\w+\}", "something", path)


def test_every_route_wants_a_sign_in(site: Site) -> None:
    nobody = site.visitor()
    seen = set()
    for method, path in every_route(site):
        seen.add(path)
        if path in OPEN:
            continue
        for headers in ({}, {"Authorization": "Bearer skc-wrong"}, {"Cookie": "sakimori=wrong"}):
            found = nobody.client.request(method, filled(path), headers=headers)
            if path.startswith("/api/"):
                assert (found.status_code, "error" in (found.text or "error")) == (401, True), (method, path)
                assert found.headers["www-authenticate"].startswith("Bearer")
            else:
                assert (found.status_code, found.text) == (303, ""), (method, path)
                assert found.headers["location"].startswith("/sign-in")
    assert seen >= {page.path for page in pages()} | {f"/api{page.path}" for page in pages()} | {
        act.path for act in acts()
    }


def test_methods_that_nothing_asks_for_are_refused(site: Site) -> None:
    kaede, known = site.kaede(), {}
    for method, path in every_route(site):
        known.setdefault(path, set()).add(method)
    for path, methods in known.items():
        for method in {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} - methods:
            found = kaede.client.request(method, filled(path))
            assert found.status_code == 405, (method, path)
            assert found.headers["content-security-policy"]


def test_every_answer_has_the_headers(site: Site) -> None:
    kaede, nobody = site.kaede(), site.visitor()
    paths = [filled(path) for method, path in every_route(site) if method == "GET"]
    for visitor, path in itertools.product((kaede, nobody), [*paths, "/no/such/page", "/%ff", "//evil.example"]):
        found = visitor.get(path)
        policy = found.headers["content-security-policy"]
        for part in ("default-src 'none'", "style-src 'self'", "form-action 'self'", "base-uri 'none'"):
            assert part in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "script" not in policy
        assert found.headers["x-frame-options"] == "DENY"
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["cache-control"] == (
            "max-age=3600" if "/assets/" in path and found.is_success else "no-store"
        )
        assert "server" not in found.headers
        tags = parsed(found.text).tags if "html" in found.headers.get("content-type", "") else set()
        assert not tags & {"script", "iframe", "object", "style"}
        assert " style=" not in found.text
        assert not re.search(r"<[^>]*\son\w+=", found.text)


# ---- forms


def sent(act: Act) -> dict[str, str]:
    return {name: "x" for name in act.fields}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=lambda headers: " ".join(headers.values()) or "no form",
)
def test_an_act_without_a_form_of_ours_is_refused(site: Site, headers: dict[str, str]) -> None:
    run = site.run(Mode.APPROVE)
    kaede = site.kaede()
    good = kaede.form(f"/runs/{run.id}", "/approvals/decide")
    for act in acts():
        path = filled(act.path)
        refused = kaede.post(path, data=sent(act))
        assert refused.status_code == 403, act.path
        if headers:
            assert kaede.post(path, data=good, headers=headers).status_code == 403
    assert kaede.post("/sign-out", data={"x": "y"}).status_code == 403
    if headers:
        assert kaede.post("/approvals/decide", data=good, headers=headers).status_code == 403
    assert site.engine.book.run(run.id).state is RunState.WAITING
    assert kaede.get("/runs").status_code == 200


def test_a_form_counts_for_its_session_its_act_and_a_while(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    run = site.run(Mode.APPROVE)
    site.known("akari")
    kaede, akari = site.kaede(), site.visitor()
    akari.sign_in("akari")
    good, theirs = (each.form(f"/runs/{run.id}", "/approvals/decide") for each in (kaede, akari))
    out = kaede.form(f"/runs/{run.id}", "/sign-out")
    for wrong in ({"form": theirs["form"]}, {"form": out["form"]}, {"form": ""}, {"form": good["token"]}):
        assert kaede.post("/approvals/decide", data=good | wrong).status_code == 403
    old = forms.seal(
        site.engine.signer,
        kaede.client.cookies["sakimori"],
        "/approvals/decide",
        datetime.now(UTC) - timedelta(hours=1),
    )
    assert kaede.post("/approvals/decide", data=good | {"form": old}).status_code == 403
    assert kaede.post("/approvals/decide", json=good).status_code == 403
    assert kaede.post("/approvals/decide", data=good | {"verdict": "x" * forms.LARGEST}).status_code == 403
    assert site.engine.book.run(run.id).state is RunState.WAITING
    assert kaede.post("/approvals/decide", data=good).status_code == 303


def test_a_session_does_nothing_at_the_api_and_a_token_nothing_at_pages(site: Site) -> None:
    run = site.run(Mode.APPROVE)
    kaede = site.kaede()
    token = kaede.json(f"/api/runs/{run.id}")["approval"]["token"]
    decided = {"token": token, "verdict": "approve"}
    assert kaede.post("/api/approvals/decide", json=decided).status_code == 401
    bearer = people.new_token(site.console.database, "kaede", datetime.now(UTC))
    script = site.visitor()
    script.client.headers["Authorization"] = f"Bearer {bearer}"
    assert script.get("/runs").status_code == 303
    script.client.cookies.set("sakimori", bearer)
    assert script.get("/runs").status_code == 303
    stolen = httpx.get(
        f"{site.address}/api/runs",
        headers={"Authorization": f"Bearer {kaede.client.cookies['sakimori']}"},
        trust_env=False,
    )
    assert stolen.status_code == 401
    assert site.engine.book.run(run.id).state is RunState.WAITING
    assert script.client.post("/api/approvals/decide", json=decided).status_code == 200
    assert ("kaede, by the API", "approved") in [(e.by, e.what) for e in site.engine.book.entries(run.id)]
    for wrong in (b"[1]", b"{", b'{"token": 1}', b"x" * (forms.LARGEST + 1), b'"text"'):
        assert script.client.post("/api/approvals/decide", content=wrong).status_code == 400


# ---- whose name it is asked by


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", "", "localhost@evil.example"]
)
def test_other_names_that_lead_here_are_refused(site: Site, host: str) -> None:
    found = site.visitor().get("/sign-in", headers={"Host": host})
    assert (found.status_code, "<form" in found.text) == (421, False)
    assert found.headers["content-security-policy"]


def test_all_names_of_this_machine_lead_here(site: Site) -> None:
    port = site.address.rpartition(":")[2]
    for host in (f"localhost:{port}", f"127.0.0.1:{port}", "LOCALHOST"):
        assert site.visitor().get("/sign-in", headers={"Host": host}).status_code == 200
    assert gate.hosts_of(["https://Sakimori.Example.org:8443/x"]) == {"sakimori.example.org"}
    assert gate.hosts_of(["http://[::1]:8471"]) == {"localhost", "127.0.0.1", "::1"}


def test_a_link_from_elsewhere_does_not_say_that_something_was_done(site: Site) -> None:
    run, kaede = site.run(Mode.APPROVE), site.kaede()
    page = f"/runs/{run.id}?said=approved"
    assert "It is being carried out." in kaede.get(page, headers={"Sec-Fetch-Site": "same-origin"}).text
    for place in ("cross-site", "same-site", "none"):
        assert "It is being carried out." not in kaede.get(page, headers={"Sec-Fetch-Site": place}).text
    assert kaede.get(f"/runs/{run.id}?said=<script>").status_code == 200


# ---- hostile text

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% raw %}",
    "' onmouseover='alert(1)",
    "\u202egpj.exe\u2066",
    "javascript:alert(1)",
    "</pre></details><form action=https://evil.example><input name=x>",
    "x" * 20_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_is_found_it_is_text(site: Site, pretended: Pretended, text: str) -> None:
    run, done = site.run(Mode.APPROVE), site.run(Mode.AUTO, 2)
    site.engine.book.bury(text, text, text)
    site.engine.book.bury("queue", "not JSON", json.dumps({text: [text]}))
    kept = storable(text)
    values = {"title": kept, "description": kept, "asset": kept, "actor": kept, "rule": kept, "source_ip": kept}
    with writing(site.console.database) as connection:
        connection.execute(update(findings).values(**values, remediation=kept, matched=json.dumps({kept: kept})))
        connection.execute(update(tables.runs).values(decision=kept, why=kept, account=kept))
        connection.execute(update(tables.actions).values(why=kept, before=json.dumps({kept: kept})))
    letters = [each.id for each in site.engine.book.dead_letters()]
    kaede = site.kaede()
    base = parsed(kaede.get("/runs").text).tags
    shown = [f"/runs/{run.id}", f"/runs/{done.id}", *(f"/dead-letters/{each}" for each in letters)]
    for path in [*shown, f"/findings/{run.event_uid}", "/runs", "/approvals", "/dead-letters", "/findings"]:
        page = kaede.get(path)
        assert page.status_code == 200, path
        found = parsed(page.text)
        assert not found.tags & {"script", "img onerror", "iframe", "object", "svg"}
        assert found.tags <= base | {
            "section",
            "dl",
            "dt",
            "dd",
            "div",
            "pre",
            "details",
            "summary",
            "h2",
            "h3",
            "br",
            "code",
        }
        assert all(action.startswith("/") and not action.startswith("//") for action, _ in found.forms)
        assert "\u202e" not in page.text
        assert "{{" not in text or "7*7" in page.text
        assert not re.search(r'(href|src)="(?!/)', page.text.replace('href="#main"', ""))
    saved = kaede.get(f"/dead-letters/{letters[0]}/body")
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"].startswith('attachment; filename="dead-letter-')
