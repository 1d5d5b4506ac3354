"""How many calls a key, a tenant and the manager take in a minute.

What counts are the calls of the last 60 seconds; a call that is refused does not count.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from sakimori.protect.errors import TooMany

WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls a minute; 0 is no limit."""

    key: int = 500
    tenant: int = 1_000
    node: int = 5_000
    sign_ins: int = 10
    """Secrets a minute that are checked for one key from one address without being known already."""


class Meter:
    """The calls of the last minute, by whom they count for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls: dict[Hashable, deque[float]] = {}
        self._clock = clock

    def count(self, *who: tuple[Hashable, int]) -> None:
        """Counts a call for everyone named with their limit, or for nobody. Raises TooMany."""
        now = self._clock()
        counted = []
        for name, limit in who:
            if limit <= 0:
                continue
            calls = self._calls.get(name)
            if calls is None:
                self._forget_quiet(now)
                calls = self._calls[name] = deque()
            while calls and calls[0] <= now - WINDOW_SECONDS:
                calls.popleft()
            if len(calls) >= limit:
                wait = max(1, math.ceil(calls[0] + WINDOW_SECONDS - now))
                raise TooMany("Too many API requests.", {"Retry-After": str(wait)})
            counted.append(calls)
        for calls in counted:
            calls.append(now)

    def _forget_quiet(self, now: float) -> None:
        """Keeps the memory of addresses that once called from growing."""
        if len(self._calls) > 10_000:
            self._calls = {
                who: calls for who, calls in self._calls.items() if calls and calls[-1] > now - WINDOW_SECONDS
            }
