"""Dead letters in the book: what could not be handled, once each, until it is replayed."""

from __future__ import annotations

import hashlib

from sqlalchemy import select, update

from sakimori.respond import tables
from sakimori.respond.page import Page, stamp
from sakimori.respond.runs import DeadLetter
from sakimori.store.database import insert_new, reading
from sakimori.store.text import storable


class Letters(Page):
    """The book's page of dead letters."""

    def bury(self, place: str, reason: str, body: str) -> None:
        """Keeps what could not be handled; the same again is counted."""
        own_id, now = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()[:24], stamp()
        c = tables.dead_letters.c
        row = {"id": own_id, "place": place, "reason": storable(reason), "body": storable(body), "times": 0}
        row |= {"first_at": now, "last_at": now, "replayed_at": ""}
        with self.alone() as connection:
            connection.execute(insert_new(connection, tables.dead_letters), row)
            changed = {"times": c.times + 1, "last_at": now, "reason": storable(reason), "replayed_at": ""}
            connection.execute(update(tables.dead_letters).where(c.id == own_id).values(changed))

    def dead_letters(self, *, replayed: bool = False) -> list[DeadLetter]:
        """What could not be handled, the newest first; without what was replayed."""
        c = tables.dead_letters.c
        query = select(tables.dead_letters).order_by(c.last_at.desc(), c.id)
        with reading(self.engine) as connection:
            rows = connection.execute(query if replayed else query.where(c.replayed_at == "")).mappings()
            return [DeadLetter(**row) for row in rows]

    def exhume(self, own_id: str) -> None:
        """Enters that a dead letter was replayed."""
        c = tables.dead_letters.c
        with self.alone() as connection:
            connection.execute(update(tables.dead_letters).where(c.id == own_id).values(replayed_at=stamp()))
