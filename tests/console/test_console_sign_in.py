"""Signing in: nobody learns who has an account, who guesses is held, and a session is nobody else's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from consoles import PASSWORD, Site, Visitor, cheap, pretended, site

from sakimori.console import gate, people, signing_in, tries
from sakimori.console.people import Kind
from sakimori.console.tables import people as people_table
from sakimori.protect.secrets import fingerprint
from sakimori.store.database import writing

__all__ = ["cheap", "pretended", "site"]


def test_nobody_learns_who_has_an_account(site: Site) -> None:
    people.invite(site.console.database, "invited", datetime.now(UTC))
    answers = []
    for name in ("kaede", "nobody", "invited", "KAEDE ", "x" * 5000, "kaede\x00", "名前"):
        found = site.visitor().send("/sign-in", "/sign-in", name=name[:64], password="not the one it is")
        answers.append((found.status_code, re.sub(r'value="[^"]*"', "", found.text)))
    assert len(set(answers)) == 1
    assert answers[0][0] == 401


def test_unknown_names_take_as_long_as_known_ones(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, and not measured: the same hash is computed once for each."""
    hashes = []
    matches = people.matches
    monkeypatch.setattr(people, "matches", lambda secret, kept: hashes.append(kept[:8]) or matches(secret, kept))
    for name in ("kaede", "nobody"):
        site.visitor().sign_in(name, "not the one it is")
    assert hashes == ["scrypt5$", "scrypt5$"]


def test_who_guesses_is_held_and_so_is_who_guesses_names(site: Site) -> None:
    visitor, clock = site.visitor(), [1000.0]
    object.__setattr__(site.console, "clock", lambda: clock[0])
    fields = visitor.form("/sign-in", "/sign-in")

    def tried(name: str, password: str = "a wrong one, again") -> httpx.Response:
        return visitor.post("/sign-in", data=fields | {"name": name, "password": password})

    assert {tried("kaede").status_code for _ in range(signing_in.NAME_TRIES)} == {401}
    for name in ("kaede", " Kaede ", "ｋａｅｄｅ"):  # one name, however it is written
        held = tried(name, PASSWORD)
        assert (held.status_code, held.headers["retry-after"]) == (429, "900")
    left = signing_in.ADDRESS_TRIES - signing_in.NAME_TRIES
    assert {tried(f"name{number}").status_code for number in range(left)} == {401}
    assert tried("somebody-else").status_code == 429
    assert [each.what for each in site.engine.book.entries() if "held" in each.what] == ["sign-in held"] * 2
    clock[0] += tries.WITHIN + 1
    assert tried("kaede", PASSWORD).status_code == 303


@pytest.mark.parametrize("what", ["removed", "another password"])
def test_nobody_signs_in_who_was_removed_or_got_another_password_meanwhile(
    site: Site, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    database, now, matches = site.console.database, datetime.now(UTC), people.matches

    def slow(secret: str, kept: str) -> bool:
        if what == "removed":
            people.remove(database, "kaede")
        else:
            invitation = people.invite(database, "kaede", now)
            people.accept(database, invitation, "another lantern on the river", now, site.console.lasting)
        return matches(secret, kept)

    monkeypatch.setattr(people, "matches", slow)
    assert people.sign_in(database, "kaede", PASSWORD, now, site.console.lasting) is None


def test_an_invitation_opens_a_name_that_is_held(site: Site) -> None:
    visitor = site.visitor()
    fields = visitor.form("/sign-in", "/sign-in")
    for _ in range(signing_in.NAME_TRIES):
        visitor.post("/sign-in", data=fields | {"name": "kaede", "password": "a wrong one, again"})
    secret = people.invite(site.console.database, "kaede", datetime.now(UTC))
    other = "another lantern on the river"
    done = visitor.send(f"/welcome?token={secret}", "/welcome", password=other, again=other)
    assert done.status_code == 303
    assert visitor.get("/runs").status_code == 200
    assert site.visitor().sign_in("kaede", other).status_code == 303


def test_tries_are_kept_within_bounds() -> None:
    kept = tries.Tries()
    for number in range(tries.MOST_KEPT + 500):
        kept.fail({f"name {number}": 10}, float(number))
    assert len(kept.failed) == tries.MOST_KEPT


def test_a_session_that_somebody_else_set_is_not_taken_over(site: Site) -> None:
    visitor = site.visitor()
    visitor.client.cookies.set("sakimori", "set-by-mallory")
    done = visitor.sign_in()
    assert done.status_code == 303
    mine = done.cookies["sakimori"]
    assert mine != "set-by-mallory"
    mallory = Visitor(site.address)
    mallory.client.cookies.set("sakimori", "set-by-mallory")
    assert mallory.get("/runs").status_code == 303
    again = site.kaede().client.cookies["sakimori"]
    assert again != mine


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(site: Site) -> None:
    cookie = site.visitor().sign_in().headers["set-cookie"]
    for part in ("HttpOnly", "Path=/", "SameSite=lax", "Max-Age=43200"):
        assert part in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie
    object.__setattr__(site.console, "address", site.address.replace("http:", "https:"))
    over_tls = site.visitor()
    fields = over_tls.form("/sign-in", "/sign-in") | {"name": "kaede", "password": PASSWORD}
    cookie = over_tls.post("/sign-in", data=fields).headers["set-cookie"]
    assert cookie.startswith("__Host-sakimori=")
    assert "; Secure" in cookie


def test_a_session_ends_with_time_without_use_and_by_signing_out(site: Site) -> None:
    database, lasting = site.console.database, site.console.lasting
    now = datetime.now(UTC)

    def still(session: str, after: timedelta) -> bool:
        return people.whose(database, session, Kind.BROWSER, now + after, lasting) is not None

    kaede = site.kaede()
    session = kaede.client.cookies["sakimori"]
    assert still(session, timedelta(minutes=59))
    assert still(session, timedelta(minutes=117))
    assert not still(session, timedelta(minutes=180))
    other = site.kaede().client.cookies["sakimori"]
    for minutes in range(0, 12 * 60, 30):
        assert still(other, timedelta(minutes=minutes)), minutes
    assert not still(other, timedelta(hours=12, minutes=1))
    kaede = site.kaede()
    kept = dict(kaede.client.cookies)
    assert kaede.send("/runs", "/sign-out").headers["location"] == "/sign-in"
    kaede.client.cookies.update(kept)
    assert kaede.get("/runs").status_code == 303


def test_whoever_is_removed_or_chooses_a_password_is_signed_out_everywhere(site: Site) -> None:
    kaede, token = site.kaede(), people.new_token(site.console.database, "kaede", datetime.now(UTC))
    site.known()
    assert kaede.get("/runs").status_code == 303
    script = {"Authorization": f"Bearer {token}"}
    assert site.visitor().get("/api/runs", headers=script).status_code == 401
    kaede = site.kaede()
    people.remove(site.console.database, "kaede")
    assert kaede.get("/runs").status_code == 303
    assert kaede.sign_in().status_code == 401


def test_an_invitation_counts_once_for_a_day_and_looking_does_not_use_it(site: Site) -> None:
    now = datetime.now(UTC)
    secret = people.invite(site.console.database, "akari", now)
    visitor, page = site.visitor(), f"/welcome?token={secret}"
    for password, again, status in (
        ("short", "short", 422),
        ("aaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaaa", 422),
        ("akari and akari again", "akari and akari again", 422),
        (PASSWORD, PASSWORD + "!", 422),
    ):
        assert visitor.send(page, "/welcome", password=password, again=again).status_code == status
    assert visitor.send(page, "/welcome", password=PASSWORD, again=PASSWORD).status_code == 303
    assert "akari" in visitor.text("/runs")
    assert visitor.get(page).status_code == 403
    with writing(site.console.database) as connection:
        kept = connection.execute(people_table.select()).all()
    assert secret not in str(kept)
    assert PASSWORD not in str(kept)
    late = people.invite(site.console.database, "late", now - people.INVITED_FOR)
    assert visitor.get(f"/welcome?token={late}").status_code == 403
    for wrong in ("", "x", fingerprint(secret), "%00"):
        assert visitor.get(f"/welcome?token={wrong}").status_code == 403


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "/\t/evil",
        "///evil",
        "//[",
        "http://[evil",
        "",
    ],
)
def test_signing_in_leads_to_us_and_nowhere_else(site: Site, place: str) -> None:
    visitor = site.visitor()
    fields = visitor.form("/sign-in", "/sign-in") | {"name": "kaede", "password": PASSWORD}
    assert visitor.post("/sign-in", data=fields | {"next": place}).headers["location"] == "/"
    assert visitor.get("/sign-in", params={"next": place}).headers["location"] == "/"
    assert gate.within("/runs?state=done") == "/runs?state=done"


def test_after_signing_in_one_is_where_one_wanted_to_go(site: Site) -> None:
    visitor = site.visitor()
    asked = visitor.get("/runs?state=done&workflow=painter").headers["location"]
    fields = visitor.form(asked, "/sign-in") | {"name": "kaede", "password": PASSWORD}
    assert visitor.post("/sign-in", data=fields).headers["location"] == "/runs?state=done&workflow=painter"
