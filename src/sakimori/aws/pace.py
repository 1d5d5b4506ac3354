"""How fast we may call: a token bucket for each account, service and region, which learns its rate from AWS's answers.

AIMD (Chiu and Jain 1989), as TCP does it: every answer lets the rate grow by a little, every "slow down" cuts it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

START, LEAST, MOST = 20.0, 0.5, 200.0
"""Calls a second: at first, at worst and at best. EC2's describe calls refill at 20 a second (EC2 API throttling)."""

GROWTH, CUT = 1.0, 0.7
"""An answer lets the rate grow by so many calls a second; a refusal multiplies it by this (RFC 9438, CUBIC's factor),
at most once a second. Where one call in five is refused whatever the rate, this settles at 13 calls a second."""

BURST = 20.0


@dataclass(slots=True)
class Pace:
    """A token bucket. `clock` and `sleep` are time's own, but for tests."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    rate: float = START
    _tokens: float = BURST
    _filled: float = 0.0
    _cut: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Returns when the next call may go out."""
        with self._lock:
            now = self.clock()
            if self._filled:
                self._tokens = min(BURST, self._tokens + (now - self._filled) * self.rate)
            self._filled = now
            self._tokens -= 1
            pause = -self._tokens / self.rate
        if pause > 0:
            self.sleep(pause)

    def answered(self) -> None:
        """A call was answered."""
        with self._lock:
            self.rate = min(MOST, self.rate + GROWTH)

    def refused(self) -> None:
        """AWS asked for fewer calls. Many calls that were under way together are told so together: they cut once."""
        with self._lock:
            now = self.clock()
            if now - self._cut >= 1:
                self._cut = now
                self.rate = max(LEAST, self.rate * CUT)
                self._tokens = min(self._tokens, 0.0)


class Paces:
    """The paces of a run, one for each key, made when first asked for."""

    def __init__(self, sleep: Callable[[float], object] = time.sleep) -> None:
        self._sleep = sleep
        self._paces: dict[tuple[str, ...], Pace] = {}
        self._lock = threading.Lock()

    def of(self, *key: str) -> Pace:
        with self._lock:
            if key not in self._paces:
                self._paces[key] = Pace(sleep=self._sleep)
            return self._paces[key]
