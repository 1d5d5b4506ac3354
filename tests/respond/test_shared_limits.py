"""Budgets, breakers and limits that hold across processes and restarts, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pretend import Pretended, opened_engine, pretended
from sqlalchemy import Engine, text

import told_events as told
from sakimori.aws.errors import Throttled
from sakimori.collect.events import heard
from sakimori.model.action import Mode
from sakimori.respond.engine import Straight
from sakimori.respond.errors import Passing
from sakimori.respond.guard import Guard, Line, MemoryLines, Pace, Turn, failed, taken
from sakimori.respond.lines import LedgerLines
from sakimori.respond.policy import Limits, Policy
from sakimori.respond.runs import RunState
from sakimori.store.database import connect

__all__ = ["pretended"]

CALLER = """
import sys, time
from sakimori.respond.guard import Pace, taken
from sakimori.respond.lines import LedgerLines
from sakimori.store.database import connect
engine = connect(sys.argv[1])
lines, pace, times = LedgerLines(engine), Pace(rate=200.0, burst=10, longest_wait=60.0), []
for _ in range(int(sys.argv[2])):
    def how(line, now):
        line, turn = taken(line, pace, now)
        return line, (now, turn)
    now, turn = lines.change("s3", "1", how)
    time.sleep(turn.wait)
    print(now + turn.wait)
engine.dispose()
"""


@pytest.fixture
def database(ledger: str) -> Iterator[Engine]:
    engine = connect(ledger)
    yield engine
    engine.dispose()


def keeps(times: list[float], pace: Pace) -> bool:
    """The plain word of it: in no stretch of time are there more calls than a burst and what the rate adds."""
    at = sorted(times)
    return all(j - i + 1 <= pace.burst + pace.rate * (at[j] - at[i]) + 1 for i, j in combinations(range(len(at)), 2))


def test_processes_share_a_budget(ledger: str, database: Engine) -> None:
    callers = [
        subprocess.Popen([sys.executable, "-c", CALLER, ledger, "25"], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    times = [float(line) for caller in callers for line in caller.communicate(timeout=120)[0].split()]
    assert len(times) == 100
    assert keeps(times, Pace(rate=200.0, burst=10))


def test_a_breaker_that_one_process_opened_holds_in_another_and_after_a_restart(ledger: str, database: Engine) -> None:
    pace = Pace(attempts=1, failures=3, open_seconds=600.0)

    def trouble() -> str:
        raise Throttled("s3:GetObject", "x", "SlowDown", "")

    for _ in range(3):  # each time another process, one after the other
        with pytest.raises(Throttled):
            Guard(default=pace, lines=LedgerLines(database)).call("s3", "1", trouble)
    again = connect(ledger)
    try:
        guard = Guard(default=pace, lines=LedgerLines(again))
        with pytest.raises(Passing, match="resting"):
            guard.call("s3", "1", lambda: "answer")
        assert guard.call("s3", "2", lambda: "answer") == "answer"
    finally:
        again.dispose()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.floats(0, 3), st.sampled_from(["call", "fail", "succeed"]), st.integers(0, 1)), max_size=40
    ),
    rate=st.floats(0.5, 50),
    burst=st.integers(1, 8),
    failures=st.integers(1, 4),
)
def test_the_ledger_and_a_bucket_of_tokens_agree(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[float, str, int]],
    rate: float,
    burst: int,
    failures: int,
) -> None:
    """Against the plain oracle: a bucket that fills up, a count of failures, and a time until which it rests."""
    pace = Pace(rate=rate, burst=burst, failures=failures, open_seconds=2.0, longest_wait=5.0)
    now = 1_000.0
    engine = connect(tmp_path_factory.mktemp("lines") / "ledger.sqlite")
    processes = [LedgerLines(engine, lambda _: now) for _ in range(2)]
    memory = MemoryLines(lambda: now)
    tokens, filled, failed_times, rests = float(burst), now, 0, 0.0
    try:
        for passed, what, process in steps:
            now += passed
            if what == "call":
                tokens, filled = min(float(burst), tokens + (now - filled) * rate), now
                if rests > now:
                    expected = Turn(resting=rests - now)
                else:
                    wait = max(0.0, (1 - tokens) / rate)
                    expected = Turn(wait, ailing=wait <= 5.0 and failed_times > 0)
                    if wait <= 5.0:
                        tokens -= 1
                        rests = now + 2.0 if failed_times >= failures else rests
                got = [
                    lines.change("a", "1", lambda line, at: taken(line, pace, at))
                    for lines in (processes[process], memory)
                ]
                assert got[0] == got[1]
                assert got[0].wait == pytest.approx(expected.wait, abs=1e-6)
                assert got[0].resting == pytest.approx(expected.resting)
                assert got[0].ailing == expected.ailing
            elif what == "fail":
                failed_times += 1
                rests = now + 2.0 if failed_times >= failures else 0.0
                for lines in (processes[process], memory):
                    lines.change("a", "1", lambda line, at: (failed(line, pace, at), None))
            else:
                failed_times, rests = 0, 0.0
                for lines in (processes[process], memory):
                    lines.change("a", "1", lambda line, _: (replace(line, failures=0, open_until=0.0), None))
    finally:
        engine.dispose()


def test_a_limit_of_changes_is_reached_once_however_many_are_at_it(
    ledger: str, tmp_path: Path, pretended: Pretended
) -> None:
    """Eight engines, each with a connection of its own, as processes have; thirty runs, of which seven may go."""
    policy = Policy(Mode.AUTO, limits=Limits(actions=7, account_actions=1_000))
    events = [told.guardduty(number=number) for number in range(30)]
    gate = threading.Barrier(8)

    def work(number: int) -> list[RunState]:
        with opened_engine(ledger, policy, owner=f"process-{number}", home=tmp_path) as engine:
            gate.wait()
            states = []
            for document in events[number::8]:
                [run] = engine.take(heard(json.dumps(document), "test").events[0])
                engine.carry(run, Straight())
                states.append(engine.book.run(run).state)
            return states

    with opened_engine(ledger, policy, home=tmp_path):
        pass  # the schema is there before they begin
    with ThreadPoolExecutor(8) as pool:
        states = [state for found in pool.map(work, range(8)) for state in found]
    assert (states.count(RunState.DONE), states.count(RunState.WAITING)) == (7, 23)
    assert pretended.applied.total() == 7
    with opened_engine(ledger, policy, owner="after a restart", home=tmp_path) as engine:
        assert engine.book.audited().broken == ""


def test_a_line_is_as_it_was_kept(database: Engine) -> None:
    line = Line(1_795_595_400.123456, 3, 1_795_595_430.5)
    lines = LedgerLines(database)
    lines.change("s3", "1", lambda _, now: (line, None))
    assert lines.change("s3", "1", lambda found, now: (found, found)) == line


def test_a_limit_is_free_again_when_its_window_has_passed(tmp_path: Path, pretended: Pretended) -> None:
    policy = Policy(Mode.AUTO, limits=Limits(actions=1))
    with opened_engine(tmp_path / "ledger.sqlite", policy) as engine:
        states = []
        for number in range(3):
            if number == 2:
                with engine.book.engine.begin() as connection:
                    connection.execute(text("UPDATE respond_actions SET applied_at = '2020-01-01T00:00:00.000000Z'"))
            [run] = engine.take(heard(json.dumps(told.guardduty(number=number)), "test").events[0])
            states.append(engine.carry(run, Straight()))
    assert states == [RunState.DONE, RunState.WAITING, RunState.DONE]
