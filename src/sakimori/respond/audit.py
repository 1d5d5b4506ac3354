"""The audit log in the ledger: every decision and every change, in a chain of hashes that nobody can edit unseen
(`chain.py`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, insert, select

from sakimori.respond import chain
from sakimori.respond.chain import Audited, Entry, Head
from sakimori.respond.tables import audit

__all__ = ["Audited", "Entry", "Head", "append", "entries", "verify"]


def append(
    connection: Connection, key: bytes, now: str, by: str, what: str, run_id: str, body: dict[str, Any]
) -> tuple[int, str]:
    """Adds an entry inside the caller's transaction, which must be alone; gives its number and hash: the new head."""
    last = connection.execute(select(audit.c.number, audit.c.hash).order_by(audit.c.number.desc()).limit(1)).first()
    row = chain.sealed(key, (last.number, last.hash) if last else None, now, by, what, run_id, body)
    connection.execute(insert(audit), row)
    return row["number"], row["hash"]


def entries(connection: Connection, run_id: str = "", since: int = 0) -> Iterator[Entry]:
    """The entries, of one run or of all, with a number over `since`, the first first."""
    query = select(audit).where(audit.c.number > since).order_by(audit.c.number)
    if run_id:
        query = query.where(audit.c.run_id == run_id)
    for row in connection.execution_options(yield_per=1_000).execute(query):
        yield Entry(row.number, row.at, row.by, row.what, row.run_id, json.loads(row.body))


def verify(connection: Connection, key: bytes, head: tuple[int, str] | None) -> Audited:
    """Goes through the whole chain."""
    query = select(audit).order_by(audit.c.number)
    found = connection.execution_options(yield_per=1_000).execute(query)
    return chain.verify((row._asdict() for row in found), key, head)
