"""The console's pages: what they show, in HTML and as JSON, and what people do there."""

from __future__ import annotations

import json
import re
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from consoles import Site, Visitor, cheap, pretended, site
from pretend import Pretended
from sqlalchemy import insert, update

import told_events as told
from sakimori.console import people
from sakimori.console.looks import SHOWN, texts
from sakimori.console.page import PER_PAGE
from sakimori.model.action import Mode
from sakimori.model.finding import COMPLIANCE, Finding
from sakimori.model.said import PLACEHOLDER, made_of, say
from sakimori.model.severity import Severity
from sakimori.notify.message import LANGUAGES
from sakimori.notify.translation import retold
from sakimori.respond import tables
from sakimori.respond.runs import RunState
from sakimori.store import findings as finding_store
from sakimori.store.database import reading, writing
from sakimori.store.findings import FindingFilter

__all__ = ["cheap", "pretended", "site"]

FINDING = Finding(
    *("f" * 32, "unused_access", "", Severity.HIGH, (), (), "1", "", "", "", "user/kaede", 1),
    *("2026-11-26T03:00:00Z", "2026-11-26T03:00:00Z", ()),
    class_uid=COMPLIANCE,
    evidence={"key": 1},
)


def walked(visitor: Visitor, path: str, lines: str, name: str) -> list[str]:
    """The ids of a list, page by page, as its links lead."""
    found, place = [], path
    while place:
        shown = visitor.json(f"/api{place}")
        found += [each[name] for each in shown[lines]]
        page = visitor.get(place)
        assert page.status_code == 200
        link = re.search(r'<a rel="next" href="([^"]+)"', page.text)
        assert (link is not None) == (shown["next"] != "")
        place = unescape(link[1]) if link else ""
    return found


# ---- responses


def test_runs_are_listed_by_state_and_workflow_page_by_page(site: Site) -> None:
    for number in range(4):
        site.run(Mode.AUTO if number % 2 else Mode.OBSERVE, number)
    kaede = site.kaede()
    everything = [run.id for run in site.engine.book.runs()]
    assert walked(kaede, "/runs", "runs", "run_id") == everything
    observed = kaede.json("/api/runs?state=observed")
    assert [each["state"] for each in observed["runs"]] == ["observed"] * 2
    assert observed["tally"] == {"done": 2, "observed": 2}
    assert kaede.json("/api/runs?workflow=another")["runs"] == []
    assert (kaede.get("/runs?state=odd").status_code, kaede.get("/api/runs?state=odd").status_code) == (404, 404)
    assert kaede.json("/api/runs?before=no-such-run")["runs"] == []
    line = kaede.json("/api/runs")["runs"][0]
    [run] = [each for each in site.engine.book.runs() if each.id == line["run_id"]]
    assert {name: line[name] for name in run.to_json()} == run.to_json()


def test_a_hundred_thousand_runs_are_a_page_like_any_other(site: Site) -> None:
    run = site.run(Mode.AUTO)
    made = datetime(2026, 1, 1, tzinfo=UTC)
    with writing(site.console.database) as connection:
        row = dict(connection.execute(tables.runs.select()).mappings().one())
        for start in range(0, 100_000, 10_000):
            rows = [
                row
                | {"id": f"{n:024x}", "created_at": (made + timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")}
                for n in range(start, start + 10_000)
            ]
            connection.execute(insert(tables.runs), rows)
    kaede = site.kaede()
    tracemalloc.start()
    first = kaede.json("/api/runs")
    last = kaede.json(f"/api/runs?before={7:024x}")
    filtered = kaede.json(f"/api/runs?state=done&before={90_000:024x}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert first["tally"] == {"done": 100_001}
    assert [each["run_id"] for each in first["runs"][:2]] == [run.id, f"{99_999:024x}"]
    assert len(first["runs"]) == PER_PAGE
    assert [each["run_id"] for each in last["runs"]] == [f"{n:024x}" for n in reversed(range(7))]
    assert filtered["runs"][0]["run_id"] == f"{89_999:024x}"
    assert peak < 20 << 20, f"{peak >> 20} MB"
    with reading(site.console.database) as connection:
        query = "EXPLAIN QUERY PLAN SELECT * FROM respond_runs ORDER BY created_at DESC, id DESC LIMIT 51"
        plan = str(connection.exec_driver_sql(query).all())
    assert "respond_runs_created" in plan
    assert "TEMP B-TREE" not in plan


def test_a_run_shows_what_it_changed_whether_that_was_proved_and_who_did_what(site: Site) -> None:
    run = site.run(Mode.AUTO)
    kaede = site.kaede()
    shown = kaede.text(f"/runs/{run.id}")
    for part in (
        run.decision,
        run.why,
        run.actions[0].target.uid,
        "proved",
        '- "colour": "white"',
        '+ "colour": "red"',
    ):
        assert part in " ".join(shown.split())
    assert "Before" in shown
    assert "After" in shown
    as_json = kaede.json(f"/api/runs/{run.id}")
    assert {name: as_json[name] for name in run.to_json()} == run.to_json()
    assert [each["what"] for each in as_json["story"]] == ["planned", "begun", "action done", "done"]
    assert as_json["story"] == [each.to_json() for each in site.engine.book.entries(run.id)]
    numbers = [each["number"] for each in as_json["story"]]
    assert numbers == sorted(set(numbers)), "the entries' own, and not those of actions"
    assert as_json["story"][1]["particulars"]["number"] == run.actions[0].number
    assert kaede.get("/runs/unknown").status_code == 404


def test_what_was_not_proved_and_what_was_not_evaluated_is_said(site: Site, pretended: Pretended) -> None:
    pretended.proves = False
    run = site.run(Mode.AUTO)
    with writing(site.console.database) as connection:
        connection.execute(update(tables.runs).values(not_evaluated='["the manager does not answer"]'))
    shown = site.kaede().text(f"/runs/{run.id}")
    for part in ("failed", "not proved", "What could not be evaluated", "the manager does not answer"):
        assert part in shown


# ---- approvals


def test_an_approval_counts_once_and_the_run_goes_on(site: Site, pretended: Pretended) -> None:
    run = site.run(Mode.APPROVE)
    kaede = site.kaede()
    assert [each["run_id"] for each in kaede.json("/api/approvals")["runs"]] == [run.id]
    assert run.actions[0].target.uid in kaede.text("/approvals")
    assert "1" in kaede.text("/runs").partition("Approvals")[2][:12]
    fields = kaede.form(f"/runs/{run.id}", "/approvals/decide")
    done = kaede.post("/approvals/decide", data=fields)
    assert done.headers["location"] == f"/runs/{run.id}?said=approved"
    assert "Approved. It is being carried out." in kaede.text(done.headers["location"])
    assert 'http-equiv="refresh"' in kaede.get(f"/runs/{run.id}").text
    assert site.started == [(run.id, 2)]
    again = kaede.post("/approvals/decide", data=fields)
    assert (again.status_code, "was approved by kaede, in the console" in again.text) == (409, True)
    assert [(e.by, e.what) for e in site.engine.book.entries(run.id)][-1] == ("kaede, in the console", "approved")
    assert kaede.json("/api/approvals")["runs"] == []


def test_a_rejected_run_changes_nothing(site: Site, pretended: Pretended) -> None:
    run = site.run(Mode.APPROVE)
    done = site.kaede().send(f"/runs/{run.id}", "/approvals/decide", nth=1)
    assert done.headers["location"] == f"/runs/{run.id}?said=rejected"
    assert (site.engine.book.run(run.id).state, site.started) == (RunState.REJECTED, [])
    assert pretended.applied.total() == 0


def test_what_is_not_what_was_shown_is_not_approved(site: Site) -> None:
    run = site.run(Mode.APPROVE)
    kaede = site.kaede()
    fields = kaede.form(f"/runs/{run.id}", "/approvals/decide")
    with writing(site.console.database) as connection:
        connection.execute(update(tables.actions).values(would='{"colour": "black"}'))
    refused = kaede.post("/approvals/decide", data=fields)
    assert (refused.status_code, "not what this page showed" in refused.text) == (409, True)
    for wrong in (
        {"token": run.id},  # a run's id is for who sits at the machine
        {"token": ""},
        {"token": fields["form"]},
        {"verdict": ""},
        {"verdict": "perhaps"},
    ):
        assert kaede.post("/approvals/decide", data=fields | wrong).status_code in (400, 403)
    assert site.engine.book.run(run.id).state is RunState.WAITING


def test_an_approval_that_has_expired_says_so_and_how_to_be_asked_anew(site: Site) -> None:
    run = site.run(Mode.APPROVE)
    kaede = site.kaede()
    fields = kaede.form(f"/runs/{run.id}", "/approvals/decide")
    with writing(site.console.database) as connection:
        connection.execute(update(tables.approvals).values(expires_at="2026-01-01T00:00:00Z"))
    shown = kaede.text(f"/runs/{run.id}")
    assert "expired at 2026-01-01 00:00 UTC" in shown
    assert "Approve" not in shown.replace("Approvals", "").replace("approve", "")
    assert "expired" in kaede.text("/approvals")
    # the token that was shown before: it is the book that says until when it counts
    assert kaede.post("/approvals/decide", data=fields).status_code == 409
    assert site.engine.book.run(run.id).state is RunState.WAITING


# ---- undo


def test_a_run_and_one_action_of_it_are_undone(site: Site, pretended: Pretended) -> None:
    pretended.steps = 3
    run = site.run(Mode.AUTO)
    kaede, page = site.kaede(), f"/runs/{run.id}"
    one = kaede.send(page, f"{page}/undo", nth=1)
    assert one.headers["location"] == f"{page}?said=undone"
    states = [each["state"] for each in kaede.json(f"/api{page}")["actions"]]
    assert states == ["done", "undone", "done"]
    kaede.send(page, f"{page}/undo", nth=-1)
    assert kaede.json(f"/api{page}")["state"] == "undone"
    assert set(pretended.values.values()) == {"white"}
    assert f"{page}/undo" not in kaede.get(page).text


def test_an_undo_that_is_refused_says_why(site: Site, pretended: Pretended) -> None:
    run = site.run(Mode.AUTO)
    kaede, page = site.kaede(), f"/runs/{run.id}"
    pretended.values[run.actions[0].target.uid] = "blue"
    refused = kaede.send(page, f"{page}/undo")
    assert refused.status_code == 409
    assert "somebody has changed it since: colour is 'blue', not 'red'" in unescape(refused.text)
    assert site.engine.book.run(run.id).state is RunState.DONE
    observed = site.run(Mode.OBSERVE, 2)
    fields = kaede.form(page, f"{page}/undo")
    assert kaede.post(f"/runs/{observed.id}/undo", data=fields).status_code == 403
    script = people.new_token(site.console.database, "kaede", datetime.now(UTC))
    given = {"Authorization": f"Bearer {script}"}
    assert kaede.client.post(f"/api/runs/{observed.id}/undo", headers=given).status_code == 409
    answer = kaede.client.post(f"/api{page}/undo", headers=given)
    assert (answer.status_code, answer.json()["outcomes"][0]["undone"]) == (409, False)


# ---- dead letters


def test_dead_letters_are_listed_as_the_command_line_lists_them(site: Site) -> None:
    for number in range(PER_PAGE + 3):
        site.engine.book.bury(f"queue message {number}", "not JSON", f"body {number}")
    kaede = site.kaede()
    assert walked(kaede, "/dead-letters", "letters", "id") == [each.id for each in site.engine.book.dead_letters()]
    listed = kaede.json("/api/dead-letters")["letters"]
    assert listed == [each.to_json() for each in site.engine.book.dead_letters()[:PER_PAGE]]
    one = kaede.json(f"/api/dead-letters/{listed[0]['id']}")
    assert one == listed[0] | {"body": one["body"], "run": ""}
    assert kaede.get("/dead-letters/unknown").status_code == 404
    assert kaede.get("/dead-letters/unknown/body").status_code == 404


def test_a_body_of_ten_megabytes_is_shown_in_part_and_saved_whole(site: Site) -> None:
    body = "".join(chr(32 + number % 90) for number in range(1000)) * 10_000
    site.engine.book.bury("webhook", "too much", body)
    [letter] = site.engine.book.dead_letters()
    kaede, page = site.kaede(), f"/dead-letters/{letter.id}"
    shown = kaede.get(page)
    assert len(shown.text) < 3 * SHOWN
    assert "The first 65,536 of 10,000,000 characters." in shown.text
    assert kaede.get(f"{page}/body").content == body.encode()
    tracemalloc.start()
    assert kaede.get("/dead-letters").status_code == 200
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(body), "a list holds no bodies"


@pytest.mark.parametrize("body", ["\x00\x01\x7f\x1b[2J", "\ud800 half", "\u202eabc", "{" * 5000, ""], ids=range(5))
def test_bodies_that_are_no_text_are_shown_all_the_same(site: Site, body: str) -> None:
    site.engine.book.bury("queue", "odd", body)
    [letter] = site.engine.book.dead_letters()
    kaede = site.kaede()
    page = kaede.get(f"/dead-letters/{letter.id}")
    assert page.status_code == 200
    assert not set(page.text) & set("\x00\x01\x7f\x1b\u202e")
    assert kaede.get(f"/dead-letters/{letter.id}/body").status_code == 200


def test_a_message_is_replayed_or_says_why_not(site: Site) -> None:
    site.engine.book.bury("queue message 1", "not JSON", "hello")
    site.engine.book.bury("queue message 2", "the ledger was away", json.dumps(told.guardduty()))
    bad, good = sorted(site.engine.book.dead_letters(), key=lambda each: each.reason, reverse=True)
    if bad.reason != "not JSON":
        bad, good = good, bad
    kaede = site.kaede()
    refused = kaede.send(f"/dead-letters/{bad.id}", f"/dead-letters/{bad.id}/replay")
    assert (refused.status_code, "not JSON" in refused.text) == (409, True)
    done = kaede.send(f"/dead-letters/{good.id}", f"/dead-letters/{good.id}/replay")
    [(run, _)] = site.started
    assert done.headers["location"] == f"/runs/{run}?said=replayed"
    assert [each["id"] for each in kaede.json("/api/dead-letters")["letters"]] == [bad.id]
    both = kaede.json("/api/dead-letters?replayed=yes")["letters"]
    assert {each["id"] for each in both} == {bad.id, good.id}
    assert f"/dead-letters/{good.id}/replay" not in kaede.get(f"/dead-letters/{good.id}").text


def test_all_are_replayed_at_once(site: Site) -> None:
    site.engine.book.bury("queue", "not JSON", "hello")
    for number in range(3):
        site.engine.book.bury("queue", "the ledger was away", json.dumps(told.guardduty(number=number)))
    done = site.kaede().send("/dead-letters", "/dead-letters/all/replay")
    assert done.status_code == 409
    assert "3 replayed, 1 not." in done.text
    assert len(site.started) == 3


def test_a_failed_run_goes_on(site: Site, pretended: Pretended) -> None:
    pretended.proves = False
    run = site.run(Mode.AUTO)
    [letter] = site.engine.book.dead_letters()
    kaede, page = site.kaede(), f"/dead-letters/{letter.id}"
    assert kaede.json(f"/api{page}")["run"] == run.id
    in_japanese = retold(run.why, run.said, "ja")
    assert in_japanese != run.why
    for place in ("/dead-letters", page):
        assert run.why in kaede.text(place)
        assert in_japanese in kaede.text(place, headers={"Accept-Language": "ja"})
    done = kaede.send(page, f"{page}/replay")
    assert (done.headers["location"], site.started) == (f"/runs/{run.id}?said=replayed", [(run.id, 2)])


# ---- findings


def test_findings_are_listed_the_worst_first_page_by_page(site: Site) -> None:
    site.run(Mode.AUTO)
    with reading(site.console.database) as connection:
        [stored] = finding_store.find(connection, FindingFilter())
    from dataclasses import replace

    levels = list(Severity)
    many = [
        replace(
            stored.finding,
            uid=f"{number:032x}",
            severity=levels[number % len(levels)],
            last_seen=f"2026-11-{1 + number % 3:02d}T00:00:00Z",
            rule=f"rule-{number % 2}",
        )
        for number in range(160)
    ]
    with writing(site.console.database) as connection:
        finding_store.upsert(connection, many)
        wanted = [each.finding.uid for each in finding_store.find(connection, FindingFilter())]
        high = finding_store.find(connection, FindingFilter(min_severity=Severity.HIGH, rule="rule-1"))
    kaede = site.kaede()
    assert walked(kaede, "/findings", "findings", "uid") == wanted
    some = walked(kaede, "/findings?severity=High&rule=rule-1", "findings", "uid")
    assert some == [each.finding.uid for each in high]
    assert len(walked(kaede, "/findings?status=New&account=123456789012", "findings", "uid")) == len(wanted)
    assert kaede.json("/api/findings?status=Resolved")["findings"] == []
    for wrong in ("status=odd", "severity=odd"):
        assert kaede.get(f"/findings?{wrong}").status_code == 404


def test_a_finding_shows_its_evidence_where_it_stood_and_what_was_done(site: Site) -> None:
    run = site.run(Mode.AUTO)
    with writing(site.console.database) as connection:
        status = finding_store.Status.SUPPRESSED
        finding_store.change_status(connection, run.event_uid, status, "akari", "our scanner")
    kaede = site.kaede()
    shown = kaede.text(f"/findings/{run.event_uid}")
    for part in ("Something about", "Suppressed", "akari", "our scanner", "paint", "NETWORK_CONNECTION"):
        assert part in shown
    found = kaede.json(f"/api/findings/{run.event_uid}")
    assert [each["run_id"] for each in found["runs"]] == [run.id]
    assert kaede.get("/findings/unknown").status_code == 404


# ---- texts


def test_every_text_is_there_in_every_language_with_the_same_placeholders() -> None:
    for name, told_in in texts().items():
        assert set(told_in) == set(LANGUAGES), name
        assert len({frozenset(PLACEHOLDER.findall(text)) for text in told_in.values()}) == 1, name


def test_a_finding_is_told_in_japanese_by_what_its_texts_were_made_of(site: Site) -> None:
    title, fix = say("{who} has never been used", who="user/kaede"), say("Install or start the agent on it.")
    with writing(site.engine.book.engine) as connection:
        shown = replace(FINDING, title=str(title), remediation=str(fix), said=made_of([title, fix]))
        finding_store.upsert(connection, [shown])
    kaede = site.kaede()
    kaede.client.headers["Accept-Language"] = "ja"
    ours = "user/kaede が一度も使われていない"
    assert ours in kaede.get("/findings").text
    page = kaede.get(f"/findings/{FINDING.uid}").text
    assert ours in page
    assert "エージェントを導入するか、起動してください。" in page
    kaede.client.headers["Accept-Language"] = "en"
    assert str(title) in kaede.get(f"/findings/{FINDING.uid}").text


def test_pages_are_whole_in_japanese(site: Site) -> None:
    run = site.run(Mode.APPROVE)
    kaede = site.kaede()
    kaede.client.headers["Accept-Language"] = "ja-JP,ja;q=0.9"
    for path in ("/runs", f"/runs/{run.id}", "/approvals", "/dead-letters", "/findings", f"/findings/{run.event_uid}"):
        page = kaede.get(path)
        assert page.status_code == 200
        assert '<html lang="ja">' in page.text
    page = kaede.text(f"/runs/{run.id}")
    for part in ("承認する", "計画", "承認を依頼"):
        assert part in page
    assert "approval asked" not in page
    assert kaede.get("/runs/unknown").status_code == 404
