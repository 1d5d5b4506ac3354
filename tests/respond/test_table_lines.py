"""Budgets and breakers that the functions of a deployment share, in DynamoDB."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import pytest
from tables_of import NAME, make_table

from sakimori.aws.errors import Throttled
from sakimori.respond.errors import Passing
from sakimori.respond.guard import Guard, Line, MemoryLines, Pace, Turn, failed, taken
from sakimori.respond.table import Table
from sakimori.respond.table_lines import TRIES, TableLines
from sakimori.simulate.aws import SimulatedAws


@pytest.fixture
def table(aws: SimulatedAws) -> Table:
    make_table(aws)
    return Table(aws.client("dynamodb"), NAME)


def test_lines_are_kept_as_one_process_keeps_them(table: Table) -> None:
    """The plain oracle: the lines of one process, over the same calls at the same times."""
    chance, now = random.Random(7), [1_764_000_000.0]
    mine, plain = TableLines(table, lambda: now[0]), MemoryLines(lambda: now[0])
    pace = Pace(rate=4.0, burst=3, failures=2, open_seconds=5.0, longest_wait=2.0)
    for _ in range(200):
        now[0] += chance.choice([0.0, 0.1, 0.7, 6.0])
        api, account = chance.choice(["s3", "ec2"]), chance.choice(["1", ""])

        def how(line: Line, at: float, fails: bool = chance.random() < 0.4) -> tuple[Line, Turn]:
            line, turn = taken(line, pace, at)
            return (failed(line, pace, at) if fails else line), turn

        got, wanted = (lines.change(api, account, how) for lines in (mine, plain))
        assert (got.wait, got.resting, got.ailing) == (
            pytest.approx(wanted.wait, abs=1e-5),
            pytest.approx(wanted.resting, abs=1e-5),
            wanted.ailing,
        )


def test_functions_that_call_at_once_keep_to_one_budget(aws: SimulatedAws, table: Table) -> None:
    pace = Pace(rate=50.0, burst=5, longest_wait=60.0)

    def function(_: int) -> list[float]:
        """As a sandbox of its own: with its own client."""
        lines, times = TableLines(Table(aws.client("dynamodb"), NAME)), []
        for _ in range(8):

            def how(line: Line, now: float) -> tuple[Line, float]:
                line, turn = taken(line, pace, now)
                return line, now + turn.wait

            times.append(lines.change("s3", "1", how))
        return times

    with ThreadPoolExecutor(5) as pool:
        at = sorted(time for times in pool.map(function, range(5)) for time in times)
    assert len(at) == 40
    assert all(j - i + 1 <= pace.burst + pace.rate * (at[j] - at[i]) + 1 for i, j in combinations(range(len(at)), 2))


def test_a_breaker_that_one_function_opened_holds_in_the_others(aws: SimulatedAws, table: Table) -> None:
    pace = Pace(attempts=1, failures=3, open_seconds=600.0)

    def trouble() -> str:
        raise Throttled("s3:GetObject", "x", "SlowDown", "")

    first, second = (Guard(default=pace, lines=TableLines(Table(aws.client("dynamodb"), NAME))) for _ in range(2))
    for _ in range(3):
        with pytest.raises(Throttled):
            first.call("s3", "1", trouble)
    with pytest.raises(Passing, match="failed 3 times in a row"):
        second.call("s3", "1", lambda: "answer")
    assert second.call("s3", "2", lambda: "answer") == "answer"


def test_a_line_that_others_write_all_the_time_is_given_up_as_passing(table: Table) -> None:
    other, pauses = TableLines(table), []

    def how(line: Line, now: float) -> tuple[Line, None]:
        if len(pauses) < TRIES:
            other.change("s3", "1", lambda found, _: (Line(found.due + 1), None))
        return Line(line.due + 0.5), None

    with pytest.raises(Passing, match=f"was changed by others {TRIES} times"):
        TableLines(table, sleep=pauses.append).change("s3", "1", how)
    assert len(pauses) == TRIES
