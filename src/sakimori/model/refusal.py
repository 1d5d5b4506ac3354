"""What could not be read, and why: bad input is named, never dropped in silence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """One thing that was refused: a whole file (`offset` 0) or a record inside it.

    `offset` is the position in bytes in the decompressed text, or in the compressed one where decompression failed.
    """

    path: str
    offset: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: offset {self.offset}: {self.reason}"
