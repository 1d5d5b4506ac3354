"""How often somebody may try to sign in, for a name and from an address, within a quarter of an hour.

Kept by the process that serves, for the names and addresses that were tried last.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field

WITHIN = 15 * 60.0
"""Seconds."""

MOST_KEPT = 10_000


@dataclass(slots=True)
class Tries:
    """Failed tries by key; times are those of a clock that only goes on, in seconds."""

    failed: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, allowed: dict[str, int], now: float) -> float:
        """Seconds until the next try may be made by all of the keys, of which each has so many; 0.0 for now."""
        with self.lock:
            return max((self._wait(key, most, now) for key, most in allowed.items()), default=0.0)

    def fail(self, keys: dict[str, int], now: float) -> None:
        """A try has failed."""
        with self.lock:
            for key, most in keys.items():
                times = self.failed.setdefault(key, deque(maxlen=most))
                times.append(now)
                self.failed.move_to_end(key)
            while len(self.failed) > MOST_KEPT:
                self.failed.popitem(last=False)

    def forget(self, key: str) -> None:
        """Somebody has proved who they are."""
        with self.lock:
            self.failed.pop(key, None)

    def _wait(self, key: str, most: int, now: float) -> float:
        times = self.failed.get(key)
        return max(0.0, times[0] + WITHIN - now) if times and len(times) >= most else 0.0
