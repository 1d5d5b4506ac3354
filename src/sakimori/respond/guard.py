"""Calls to the outside world within a budget, tried again while the trouble is passing, and not at all while it lasts.

For each API and account there is a rate budget and a circuit breaker. Their state is a `Line`: `lines.py` keeps it in
the ledger, where all processes share it, `MemoryLines` keeps it for one process. Pauses between tries double with full
jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog). The budget is the generic cell rate algorithm
(ITU-T I.371, annex A): one number, the time at which the next call is due, does for a bucket of tokens.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from sakimori.aws.errors import AwsError, Throttled, Unavailable, Unreachable
from sakimori.model.said import say
from sakimori.respond.errors import Passing, RespondError

T = TypeVar("T")

PASSING = (Throttled, Unavailable, Unreachable, Passing)
"""What may be over the next time by itself. Credentials that are missing are not: a person must see to them."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How an API may be called. `rate` is calls a second, `burst` how many may come at once; times are seconds."""

    rate: float = 10.0
    burst: int = 20
    attempts: int = 5
    first_pause: float = 0.2
    longest_pause: float = 20.0
    failures: int = 5  # in a row, of whole calls: then the breaker opens
    open_seconds: float = 30.0
    longest_wait: float = 60.0


PACES: Mapping[str, Pace] = {
    "iam": Pace(rate=5.0, burst=15),
    "wafv2": Pace(rate=1.0, burst=10),
    "cloudfront": Pace(rate=5.0, burst=10),
    "config": Pace(rate=5.0, burst=20),
    "codepipeline": Pace(rate=5.0, burst=20),
    "apigateway": Pace(rate=5.0, burst=20),
    "resourcegroupstaggingapi": Pace(rate=5.0, burst=5),
    "protect": Pace(rate=8.0, burst=50, attempts=1),  # its client tries again by itself
    **dict.fromkeys(("slack", "teams", "webhook", "smtp", "jira", "backlog"), Pace(rate=1.0, burst=10)),
}
"""Well under what the services allow an account ("Quotas" in each API reference; UpdateWebACL is allowed once a second,
Trend's API 500 calls a minute), because the account's own programs call them too."""


@dataclass(frozen=True, slots=True)
class Line:
    """The state of one API in one account. Times are seconds since 1970.

    `due` is when the next call would be due if none came early; `failures` counts whole calls that failed in a row;
    until `open_until` no call is let through.
    """

    due: float = 0.0
    failures: int = 0
    open_until: float = 0.0


class Lines(Protocol):
    """Where lines are kept. `change` gives `how` the line and the time, alone, and keeps what it makes of it."""

    def change(self, api: str, account: str, how: Callable[[Line, float], tuple[Line, T]]) -> T: ...


class MemoryLines:
    """Lines of one process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lines: dict[tuple[str, str], Line] = {}
        self._lock = threading.Lock()

    def change(self, api: str, account: str, how: Callable[[Line, float], tuple[Line, T]]) -> T:
        """See Lines."""
        with self._lock:
            self._lines[api, account], answer = how(self._lines.get((api, account), Line()), self._clock())
            return answer


class Guard:
    """Keeps calls to the paces of their APIs, by name (`s3`, `protect`); an API without one has `default`."""

    def __init__(
        self,
        paces: Mapping[str, Pace] | None = None,
        default: Pace | None = None,
        *,
        lines: Lines | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._paces = dict((PACES if default is None else {}) if paces is None else paces)
        self._default = default or Pace()
        self._lines = lines or MemoryLines()
        self._sleep = sleep

    def call(self, api: str, account: str, ask: Callable[[], T]) -> T:
        """What `ask` gives. Raises Passing where the breaker is open or the budget too far used up, and what `ask`
        raised at last."""
        pace = self._paces.get(api, self._default)
        for attempt in range(pace.attempts):
            ailing = self._await_turn(api, account, pace)
            try:
                answer = ask()
            except (AwsError, Passing) as error:
                if not isinstance(error, PASSING):
                    self._succeeded(api, account, ailing)  # it was answered, and the answer is no
                    raise
                if attempt + 1 == pace.attempts:
                    self._lines.change(api, account, lambda line, now: (failed(line, pace, now), None))
                    raise
                self._sleep(random.uniform(0, min(pace.longest_pause, pace.first_pause * 2**attempt)))  # noqa: S311
            else:
                self._succeeded(api, account, ailing)
                return answer
        raise RespondError(say("{api} is to be tried {count} times: set at least one", api=api, count=pace.attempts))

    def is_open(self, api: str, account: str) -> bool:
        """Whether the breaker of an API is open."""
        return self._lines.change(api, account, lambda line, now: (line, line.open_until > now))

    def _await_turn(self, api: str, account: str, pace: Pace) -> bool:
        """Waits until the call's turn; gives whether the line had failures before."""
        turn = self._lines.change(api, account, lambda line, now: taken(line, pace, now))
        where = say("{api} in account {account}", api=api, account=account or say("unknown"))
        if turn.resting:
            rest = f"{turn.resting:.0f}"
            failed = pace.failures
            raise Passing(
                say("{api} failed {count} times in a row: resting for {rest} s", api=where, count=failed, rest=rest)
            )
        if turn.wait > pace.longest_wait:
            wait = f"{turn.wait:.0f}"
            raise Passing(say("{api}: {wait} s of calls are waiting already", api=where, wait=wait))
        if turn.wait:
            self._sleep(turn.wait)
        return turn.ailing

    def _succeeded(self, api: str, account: str, ailing: bool) -> None:
        if ailing:
            self._lines.change(api, account, lambda line, _: (replace(line, failures=0, open_until=0.0), None))


@dataclass(frozen=True, slots=True)
class Turn:
    """What a call gets: how long it is to wait, or how long the breaker rests still (then it is not to be made)."""

    wait: float = 0.0
    resting: float = 0.0
    ailing: bool = False


def taken(line: Line, pace: Pace, now: float) -> tuple[Line, Turn]:
    """A call asks for its turn. A call that would wait too long takes none.

    After a rest one call is let through to see whether the trouble is over; the others rest until it has been answered.
    """
    if line.open_until > now:
        return line, Turn(resting=line.open_until - now)
    due = max(line.due, now) + 1 / pace.rate
    wait = max(0.0, due - pace.burst / pace.rate - now)
    if wait > pace.longest_wait:
        return line, Turn(wait)
    probe = line.failures >= pace.failures
    kept = replace(line, due=due, open_until=now + pace.open_seconds if probe else line.open_until)
    return kept, Turn(wait, ailing=line.failures > 0)


def failed(line: Line, pace: Pace, now: float) -> Line:
    """A whole call failed."""
    failures = line.failures + 1
    return replace(line, failures=failures, open_until=now + pace.open_seconds if failures >= pace.failures else 0.0)
