"""The audit log: every decision and every change, in a chain of hashes that nobody can edit unseen.

Each entry's hash is an HMAC over the one before and its own content, so that an entry cannot be changed, removed or
moved without the key. That the end was cut off shows against the head, which is kept in a file beside the key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from sakimori.respond.tables import audit
from sakimori.store.text import storable

_BEGIN = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: when, who (`sakimori`, or a person), what, in which run, and the particulars."""

    number: int
    at: str
    by: str
    what: str
    run_id: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Audited:
    """The outcome of a verification. `broken` says what is wrong and where, "" if nothing is."""

    entries: int
    broken: str


def append(
    connection: Connection, key: bytes, now: str, by: str, what: str, run_id: str, body: dict[str, Any]
) -> tuple[int, str]:
    """Adds an entry inside the caller's transaction, which must be alone; gives its number and hash: the new head."""
    last = connection.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).first()
    number, before = (last.number + 1, last.hash) if last else (1, _BEGIN)
    text = storable(json.dumps(body, sort_keys=True, default=str))
    row = {"number": number, "at": now, "by": storable(by), "what": what, "run_id": run_id, "body": text}
    row["hash"] = _hash(key, before, row)
    connection.execute(insert(audit), row)
    return number, str(row["hash"])


def _hash(key: bytes, before: str, row: dict[str, Any]) -> str:
    parts = [before, str(row["number"]), row["at"], row["by"], row["what"], row["run_id"], row["body"]]
    return hmac.new(key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()


def entries(connection: Connection, run_id: str = "", since: int = 0) -> Iterator[Entry]:
    """The entries, of one run or of all, with a number over `since`, the first first."""
    query = select(audit).where(audit.c.number > since).order_by(audit.c.number)
    if run_id:
        query = query.where(audit.c.run_id == run_id)
    for row in connection.execution_options(yield_per=1_000).execute(query):
        yield Entry(row.number, row.at, row.by, row.what, row.run_id, json.loads(row.body))


def verify(connection: Connection, key: bytes, head: tuple[int, str] | None) -> Audited:
    """Goes through the whole chain."""
    before, expected = _BEGIN, 1
    head_seen = head is None
    for row in connection.execution_options(yield_per=1_000).execute(select(audit).order_by(audit.c.number)):
        wrong = _wrong(key, before, expected, row)
        if wrong:
            return Audited(expected - 1, wrong)
        head_seen = head_seen or (row.number, row.hash) == head
        before, expected = row.hash, expected + 1
    if not head_seen and head is not None:
        return Audited(
            expected - 1, f"the log ends at entry {expected - 1}, but had an entry {head[0]}: its end is gone"
        )
    return Audited(expected - 1, "")


def _wrong(key: bytes, before: str, expected: int, row: Row[Any]) -> str:
    if row.number != expected:
        return f"entry {expected} is missing: the next is {row.number}"
    if not hmac.compare_digest(_hash(key, before, dict(row._mapping)), row.hash):
        return f"entry {row.number} ({row.what}, {row.at}) is not what was written"
    return ""


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
