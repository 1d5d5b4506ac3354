"""Calls to the outside world within a budget, tried again while the trouble is passing, and not at all while it lasts.

One guard a process. For each API and account there is a rate budget (a token bucket) and a circuit breaker; pauses
between tries double with full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sakimori.aws.errors import AwsError, Throttled, Unavailable, Unreachable
from sakimori.respond.errors import Passing, RespondError

T = TypeVar("T")

PASSING = (Throttled, Unavailable, Unreachable, Passing)
"""What may be over the next time by itself. Credentials that are missing are not: a person must see to them."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How an API may be called. `rate` is calls a second, `burst` how many may come at once."""

    rate: float = 10.0
    burst: int = 20
    attempts: int = 5
    first_pause: float = 0.2
    longest_pause: float = 20.0
    failures: int = 5  # in a row, of whole calls: then the breaker opens
    open_seconds: float = 30.0
    longest_wait: float = 60.0


@dataclass(slots=True)
class _Line:
    """The state of one API in one account."""

    tokens: float
    filled_at: float
    failures: int = 0
    open_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Guard:
    """Keeps the budgets and breakers. `paces` are those of APIs by name (`s3`, `protect`), others have the default."""

    def __init__(
        self,
        paces: dict[str, Pace] | None = None,
        default: Pace | None = None,
        *,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._paces = paces or {}
        self._default = default or Pace()
        self._sleep, self._clock = sleep, clock
        self._lines: dict[tuple[str, str], _Line] = {}
        self._lock = threading.Lock()

    def call(self, api: str, account: str, ask: Callable[[], T]) -> T:
        """What `ask` gives. Raises Passing where the breaker is open or the budget too far used up, and what `ask`
        raised at last."""
        pace, line = self._paces.get(api, self._default), self._line(api, account)
        for attempt in range(pace.attempts):
            self._await_turn(api, account, pace, line)
            try:
                answer = ask()
            except (AwsError, Passing) as error:
                if not isinstance(error, PASSING):
                    self._succeeded(line)  # it was answered, and the answer is no
                    raise
                if attempt + 1 == pace.attempts:
                    self._failed(pace, line)
                    raise
                self._sleep(random.uniform(0, min(pace.longest_pause, pace.first_pause * 2**attempt)))  # noqa: S311
            else:
                self._succeeded(line)
                return answer
        raise RespondError(f"{api} is to be tried {pace.attempts} times: set at least one")

    def is_open(self, api: str, account: str) -> bool:
        """Whether the breaker of an API is open."""
        return self._line(api, account).open_until > self._clock()

    def _line(self, api: str, account: str) -> _Line:
        with self._lock:
            pace = self._paces.get(api, self._default)
            return self._lines.setdefault((api, account), _Line(float(pace.burst), self._clock()))

    def _await_turn(self, api: str, account: str, pace: Pace, line: _Line) -> None:
        with line.lock:
            now = self._clock()
            if line.open_until > now:
                left = line.open_until - now
                raise Passing(
                    f"{api} in account {account or 'unknown'} failed {pace.failures} times: resting for {left:.0f} s"
                )
            line.tokens = min(float(pace.burst), line.tokens + (now - line.filled_at) * pace.rate)
            line.filled_at = now
            line.tokens -= 1
            wait = -line.tokens / pace.rate if line.tokens < 0 else 0.0
            if wait > pace.longest_wait:
                line.tokens += 1
                raise Passing(f"{api} in account {account or 'unknown'}: {wait:.0f} s of calls are waiting already")
        if wait:
            self._sleep(wait)

    def _failed(self, pace: Pace, line: _Line) -> None:
        with line.lock:
            line.failures += 1
            if line.failures >= pace.failures:
                line.open_until, line.failures = self._clock() + pace.open_seconds, 0

    def _succeeded(self, line: _Line) -> None:
        with line.lock:
            line.failures, line.open_until = 0, 0.0
