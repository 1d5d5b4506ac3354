"""What a book in a table of DynamoDB keeps beside its runs: dead letters, and the audit log."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any

from sakimori.respond import chain
from sakimori.respond.runs import DeadLetter, no_letter
from sakimori.respond.table import AUDIT, HEAD, Page, Table, head_of, stamp
from sakimori.respond.table_rows import entry_of, letter_of
from sakimori.store.text import storable


class TableLetters:
    """Dead letters and the audit log in a table. `key` makes the log's chain; `head` is the newest entry that is known
    from elsewhere, if any, against which the log's end is checked."""

    def __init__(self, table: Table, key: bytes, head: chain.Head | None = None) -> None:
        self.table, self._key, self._head = table, key, head

    # Dead letters

    def bury(self, place: str, reason: str, body: str) -> None:
        """See Book.bury."""
        own_id, now = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:24], stamp()

        def buried(page: Page) -> None:
            known = page.get("dead", own_id) or {"first_at": now, "times": 0}
            packed = zlib.compress(storable(body).encode())
            letter = {"place": storable(place), "reason": storable(reason)[:4_000], "body": packed}
            letter |= {"times": known["times"] + 1, "first_at": known["first_at"], "last_at": now, "replayed_at": ""}
            page.put("dead", own_id, **letter)

        self.table.alone(self._key, buried)

    def dead_letters(self, *, replayed: bool = False, limit: int | None = None, before: str = "") -> list[DeadLetter]:
        """See Book.dead_letters."""
        letters = [letter_of(item)[0] for item in self.table.query("dead")]
        found = [each for each in letters if replayed or not each.replayed_at or each.id == before]
        found.sort(key=lambda each: (each.last_at, each.id), reverse=True)
        places = (number for number, each in enumerate(found, 1) if each.id == before)
        start = next(places, len(found)) if before else 0
        return found[start : None if limit is None else start + limit]

    def dead_letter(self, own_id: str) -> tuple[DeadLetter, str]:
        """See Book.dead_letter."""
        item = self.table.get("dead", own_id)
        if item is None:
            raise no_letter(own_id)
        return letter_of(item)

    def exhume(self, own_id: str) -> None:
        """See Book.exhume."""

        def exhumed(page: Page) -> None:
            item = page.get("dead", own_id)
            if item is not None:
                values = {name: value for name, value in item.items() if name not in ("pk", "sk")}
                page.put("dead", own_id, **values | {"replayed_at": stamp()})

        self.table.alone(self._key, exhumed)

    # The audit log

    def audited(self) -> chain.Audited:
        """See Book.audited. The head in the table is checked too, and one that was seen before, if any."""
        seen = self._head.read() if self._head else None
        head = head_of(self.table.get(*HEAD))
        rows = [entry_of(item) for item in self.table.query(AUDIT)]
        for known in (head, seen):
            found = chain.verify(rows, self._key, known)
            if found.broken:
                return found
        if self._head and rows:
            self._head.keep(rows[-1]["number"], rows[-1]["hash"])
        return found

    def entries(self, run: str = "", since: int = 0) -> list[chain.Entry]:
        """See Book.entries."""
        rows = map(entry_of, self.table.query(AUDIT, since=f"{since + 1:020d}"))
        return [
            chain.Entry(row["number"], row["at"], row["by"], row["what"], row["run_id"], json.loads(row["body"]))
            for row in rows
            if run in ("", row["run_id"])
        ]

    def note(self, by: str, what: str, run: str, body: Mapping[str, Any]) -> None:
        """See Book.note."""
        self.table.alone(self._key, lambda page: page.note(by, what, run, body))
