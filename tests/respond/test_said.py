"""A run's sentences are kept with what they were made of: in the ledger, in a table, in messages and on pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import msgspec
import pytest
from pretend import SECRET, Pretended, opened_engine, pretended
from sqlalchemy import update
from tables_of import make_table, table_book
from test_pages import Site, made
from test_respond_engine import event

from sakimori.model.action import Mode, Plan, Step, Target
from sakimori.model.event import Event
from sakimori.model.said import made_of, say
from sakimori.notify.message import Message, worded
from sakimori.notify.translation import japanese, retold
from sakimori.respond import tables
from sakimori.respond.bookkeeping import Bookkeeping
from sakimori.respond.runs import ActionState, Run, RunState, decoded, encoded
from sakimori.respond.table_rows import Kept, new_run
from sakimori.respond.telling import STOPPED, about
from sakimori.respond.world import World
from sakimori.simulate.aws import SimulatedAws
from sakimori.store.database import writing

__all__ = ["pretended"]

ROLE = "arn:aws:iam::111122223333:role/{why}"
WHY = say(
    "{told}; not protected: {named}: {install}",
    told=say("{count} instances may read the bucket", count=2),
    named="i-1",
    install=say("no warnings"),
)
MISSING = say("whether {instance} is protected: {why}", instance="i-2\0", why=say("no policy is assigned"))
STEP_WHY = say("it may read the bucket through {role}", role=ROLE)
PLAN = Plan("paint", WHY, (Step("paint", Target("Thing", "thing-1", "1"), STEP_WHY),), (MISSING,))
TOLD = "2 台のインスタンスがバケットを読み取れます。保護されていないインスタンス: i-1。警告はありません"
STEP = f"{ROLE} を通じてバケットを読み取れます"
NOT_KNOWN = "が保護されているかどうか（ポリシーが割り当てられていません）"


@pytest.fixture
def site(tmp_path: Path, pretended: Pretended, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    def plan(self: Pretended, told: Event, world: World) -> Plan:
        return PLAN

    monkeypatch.setattr(Pretended, "plan", plan)
    with opened_engine(tmp_path / "ledger.sqlite") as engine:
        yield made(engine)


def planned(book: Bookkeeping) -> Run:
    [(run, _)] = book.enter(event(), [("pretended", Mode.AUTO)], "me")
    begun = book.begin(run, "me")
    assert begun is not None
    book.planned(begun[0], PLAN, Mode.AUTO, [({}, {})], RunState.WAITING)
    return book.run(run)


def in_japanese(run: Run) -> list[str]:
    return [retold(each, run.said, "ja") for each in (run.why, *run.not_evaluated, *(a.why for a in run.actions))]


def test_the_page_tells_in_japanese_and_in_english_as_before(site: Site) -> None:
    page = unescape(site.browser.get(site.link(language="ja"), headers={"accept-language": "ja"}).text)
    for part in (TOLD, STEP, NOT_KNOWN):
        assert part in page
    english = unescape(site.browser.get(site.link(), headers={"accept-language": "en"}).text)
    for part in (str(WHY), str(STEP_WHY)):
        assert part in english


def test_a_message_tells_in_japanese(site: Site) -> None:
    found = about(site.run, site.engine.book.event_of(site.run.id))
    assert found is not None
    told = worded(found, "ja").text()
    assert TOLD in told
    assert f"評価できなかった項目: i-2\ufffd {NOT_KNOWN}" in told
    assert "may read" not in told
    assert f"{WHY}. Not evaluated: whether i-2\ufffd is protected: no policy is assigned" in worded(found, "en").text()


def test_a_finding_of_an_event_is_named_in_japanese_after_it_was_kept(site: Site) -> None:
    title = say("An access key is exposed")
    given = event()
    assert given.finding is not None
    told_by = replace(given, finding=replace(given.finding, title=str(title), said=made_of([title])))
    message = about(site.run, decoded(encoded(told_by)))
    assert message is not None
    assert "アクセスキーが漏洩している: 2 台のインスタンス" in worded(message, "ja").text()
    assert "An access key is exposed: 2 instances" in worded(message, "en").text()


def test_the_full_stop_of_a_title_of_others_is_not_doubled(site: Site) -> None:
    given = event()
    assert given.finding is not None
    message = about(site.run, replace(given, finding=replace(given.finding, title="An object is public.")))
    assert message is not None
    assert "An object is public: 2 instances" in worded(message, "en").text()


@pytest.mark.parametrize(("final", "kind"), [("", "run-done"), ("it only looks", "run-ended")])
def test_only_what_can_be_taken_back_is_said_to_be(
    site: Site, final: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pretended, "FINAL", final, raising=False)
    message = about(replace(site.run, state=RunState.DONE), event())
    assert message is not None
    assert message.kind == kind
    assert ("respond undo" in worded(message, "ja").text()) is (kind == "run-done")


def test_the_contract_stays_in_english(site: Site) -> None:
    told = site.run.to_json()
    assert told["why"] == str(WHY)
    assert told["actions"][0]["why"] == str(STEP_WHY)
    assert "said" not in told


def test_runs_from_before_are_read_and_told_as_they_are(site: Site) -> None:
    with writing(site.engine.book.engine) as connection:
        connection.execute(update(tables.runs).values(said="{}"))
    run = site.engine.book.run(site.run.id)
    assert in_japanese(run) == [run.why, *run.not_evaluated, run.actions[0].why]


def test_an_item_of_a_table_and_a_message_from_before_are_read(site: Site) -> None:
    item = msgspec.to_builtins(new_run("r", event(), "pretended", Mode.AUTO, "me"))
    del item["run"]["said"]
    assert msgspec.convert(item, Kept).run.said == {}
    message = about(site.run, site.engine.book.event_of(site.run.id))
    assert message is not None
    kept = json.loads(msgspec.json.encode(message))
    assert msgspec.convert(kept, Message) == message
    del kept["said"]
    assert str(WHY) in worded(msgspec.convert(kept, Message), "ja").text()


def test_both_books_keep_the_same(aws: SimulatedAws, site: Site) -> None:
    make_table(aws)
    in_table = planned(table_book(aws, SECRET))
    assert in_japanese(in_table) == in_japanese(site.run) == [TOLD, f"i-2\ufffd {NOT_KNOWN}", STEP]


def test_why_a_run_is_held_is_kept_too(aws: SimulatedAws, site: Site) -> None:
    make_table(aws)
    held = say("held: {why}", why=say("no warnings"))
    table = table_book(aws, SECRET)
    for book, run in ((site.engine.book, site.run.id), (table, planned(table).id)):
        book.finish(run, RunState.WAITING, held)
        found = book.run(run)
        assert found.why == "held: no warnings"
        assert in_japanese(found)[:2] == ["保留中です: 警告はありません", f"i-2\ufffd {NOT_KNOWN}"]


def test_what_an_action_found_is_kept_too(aws: SimulatedAws, site: Site) -> None:
    make_table(aws)
    found = say("not all four settings are on")
    table = table_book(aws, SECRET)
    for book, run in ((site.engine.book, site.run), (table, planned(table))):
        book.end_action(run, run.actions[0], ActionState.FAILED, found, {})
        ended = book.run(run.id)
        assert ended.actions[0].why == str(found)
        assert in_japanese(ended) == [TOLD, f"i-2\ufffd {NOT_KNOWN}", "4 つの設定のうち有効でないものがあります"]


def test_a_run_that_was_carried_out_after_all_does_not_say_why_it_stopped(site: Site) -> None:
    book, proof = site.engine.book, say("all four settings are on")
    book.finish(site.run.id, RunState.FAILED, say("given up after several tries: {error}", error="x"))
    failed = about(book.run(site.run.id), event())
    assert failed is not None
    assert "数回試行しましたが、断念しました" in worded(failed, "ja").text()
    book.end_action(site.run, site.run.actions[0], ActionState.DONE, proof, {})
    done = about(book.run(site.run.id), event())
    assert done is not None
    assert "断念" not in worded(done, "ja").text()
    assert "4 つの設定がすべて有効です" in worded(done, "ja").text()
    assert str(proof) in worded(done, "en").text()
    assert set(STOPPED) <= japanese()["sentences"].keys()
