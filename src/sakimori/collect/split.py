"""What comes out of splitting a text: records, where they were, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass, field

from sakimori.model.refusal import Refusal

MAX_REFUSALS = 1000
"""Refusals reported one by one for an object; the rest are counted in one more."""

BATCH_BYTES = 16 << 20
_BATCH_RECORDS = 1 << 16


@dataclass(slots=True)
class Split:
    """Records as found, in order; the offset where each begins in the text; what was refused."""

    records: list[bytes] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)


class Tray:
    """Where a reader puts what it finds; emptied in batches, so that memory stays bounded."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._split = Split()
        self._bytes = 0
        self._refused = 0
        self._first_untold = 0
        self.kept = 0

    @property
    def full(self) -> bool:
        return self._bytes >= BATCH_BYTES or len(self._split.records) >= _BATCH_RECORDS

    @property
    def nothing(self) -> bool:
        """Whether nothing has been kept or refused so far."""
        return not self.kept and not self._refused

    def keep(self, offset: int, record: bytes) -> None:
        self._split.records.append(record)
        self._split.offsets.append(offset)
        self._bytes += len(record)
        self.kept += 1

    def refuse(self, offset: int, reason: str) -> None:
        self._refused += 1
        if self._refused <= MAX_REFUSALS:
            self._split.refusals.append(Refusal(self._path, offset, reason))
        elif self._refused == MAX_REFUSALS + 1:
            self._first_untold = offset

    def empty(self) -> Split:
        """What is in the tray, which is empty afterwards."""
        split, self._split, self._bytes = self._split, Split(), 0
        return split

    def finished(self) -> Split:
        """The last of it, with the number of refusals that were not told one by one."""
        untold = self._refused - MAX_REFUSALS
        if untold > 0:
            reason = f"{untold} more were refused from here on: only the first {MAX_REFUSALS} are listed"
            self._split.refusals.append(Refusal(self._path, self._first_untold, reason))
        return self.empty()
