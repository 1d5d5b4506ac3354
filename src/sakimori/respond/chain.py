"""The chain of hashes that the audit log is: what makes an entry, and what shows that one was edited.

Each entry's hash is an HMAC over the one before and its own content, so that an entry cannot be changed, removed or
moved without the key. That the end was cut off shows against the head, which is kept elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sakimori.store.text import storable

BEGIN = "0" * 64
"""What stands for the hash before the first entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: when, who (`sakimori`, or a person), what, in which run, and the particulars."""

    number: int
    at: str
    by: str
    what: str
    run_id: str
    body: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The entry, its particulars by themselves: they may have a number of an action, or say by whom."""
        told = {"number": self.number, "at": self.at, "by": self.by, "what": self.what, "run": self.run_id}
        return told | {"particulars": self.body}


@dataclass(frozen=True, slots=True)
class Audited:
    """The outcome of a verification. `broken` says what is wrong and where, "" if nothing is."""

    entries: int
    broken: str


def sealed(
    key: bytes, last: tuple[int, str] | None, at: str, by: str, what: str, run_id: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """The entry that follows the `last` one (its number and hash; None for the first)."""
    number, before = (last[0] + 1, last[1]) if last else (1, BEGIN)
    text = storable(json.dumps(body, sort_keys=True, default=str))
    row = {"number": number, "at": at, "by": storable(by), "what": what, "run_id": run_id, "body": text}
    return row | {"hash": _hash(key, before, row)}


def verify(rows: Iterable[Mapping[str, Any]], key: bytes, head: tuple[int, str] | None) -> Audited:
    """Goes through the whole chain, the first entry first."""
    before, expected = BEGIN, 1
    head_seen = head is None
    for row in rows:
        wrong = _wrong(key, before, expected, row)
        if wrong:
            return Audited(expected - 1, wrong)
        head_seen = head_seen or (row["number"], row["hash"]) == head
        before, expected = row["hash"], expected + 1
    if not head_seen and head is not None:
        return Audited(
            expected - 1, f"the log ends at entry {expected - 1}, but had an entry {head[0]}: its end is gone"
        )
    return Audited(expected - 1, "")


def _wrong(key: bytes, before: str, expected: int, row: Mapping[str, Any]) -> str:
    if row["number"] != expected:
        return f"entry {expected} is missing: the next is {row['number']}"
    if not hmac.compare_digest(_hash(key, before, row), row["hash"]):
        return f"entry {row['number']} ({row['what']}, {row['at']}) is not what was written"
    return ""


def _hash(key: bytes, before: str, row: Mapping[str, Any]) -> str:
    parts = [before, str(row["number"]), row["at"], row["by"], row["what"], row["run_id"], row["body"]]
    return hmac.new(key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()


class Head:
    """The newest entry's number and hash, in a file. It may lag behind after a crash, and is never ahead."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def keep(self, number: int, digest: str) -> None:
        """Notes the head. Written over in place: shorter than a disk's sector, it is old or new, and not in between."""
        opened = os.open(self.place, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(opened, f"{number:020d} {digest}\n".encode(), 0)
        finally:
            os.close(opened)

    def read(self) -> tuple[int, str] | None:
        """The head as noted; None if none was."""
        try:
            number, digest = self.place.read_text().split()
            return int(number), digest
        except FileNotFoundError:
            return None
        except ValueError:
            return 0, "unreadable"
