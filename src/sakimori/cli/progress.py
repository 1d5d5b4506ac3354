"""How far the work is, on a terminal."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

PROGRESS_SECONDS = 0.2
"""The least time between two looks of the line."""


@dataclass(slots=True)
class ProgressLine:
    """One line on standard error that says where the work is; only on a terminal, and gone when it ends."""

    shown: float = 0.0

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, what: str) -> None:
        now = time.monotonic()
        if now - self.shown >= PROGRESS_SECONDS and sys.stderr.isatty():
            self.shown = now
            sys.stderr.write(f"\r\x1b[K{what}")
            sys.stderr.flush()
