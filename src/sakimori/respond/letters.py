"""Dead letters in the book: what could not be handled, once each, until it is replayed."""

from __future__ import annotations

import hashlib

from sqlalchemy import func, literal, select, tuple_, update

from sakimori.respond import tables
from sakimori.respond.page import Page, stamp
from sakimori.respond.runs import DeadLetter, no_letter
from sakimori.store.database import insert_new, reading
from sakimori.store.text import storable

_WITHOUT_BODY = (
    *(each for each in tables.dead_letters.c if each.name != "body"),
    func.length(tables.dead_letters.c.body).label("size"),
)


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

    def dead_letters(self, *, replayed: bool = False, limit: int | None = None, before: str = "") -> list[DeadLetter]:
        """What could not be handled, the newest first; without what was replayed. `before`: only what comes after the
        letter of this id."""
        c = tables.dead_letters.c
        query = select(*_WITHOUT_BODY).order_by(c.last_at.desc(), c.id.desc()).limit(limit)
        query = query if replayed else query.where(c.replayed_at == "")
        if before:
            mark = select(c.last_at).where(c.id == before).scalar_subquery()
            query = query.where(tuple_(c.last_at, c.id) < tuple_(mark, literal(before)))
        with reading(self.engine) as connection:
            return [DeadLetter(**row) for row in connection.execute(query).mappings()]

    def dead_letter(self, own_id: str) -> tuple[DeadLetter, str]:
        """A letter, replayed or not, and its body. Raises RespondError if there is none of this id."""
        c = tables.dead_letters.c
        with reading(self.engine) as connection:
            row = connection.execute(select(*_WITHOUT_BODY, c.body).where(c.id == own_id)).mappings().first()
        if row is None:
            raise no_letter(own_id)
        given = dict(row)
        body = str(given.pop("body"))
        return DeadLetter(**given), body

    def exhume(self, own_id: str) -> None:
        """Enters that a dead letter was replayed."""
        c = tables.dead_letters.c
        with self.alone() as connection:
            connection.execute(update(tables.dead_letters).where(c.id == own_id).values(replayed_at=stamp()))
