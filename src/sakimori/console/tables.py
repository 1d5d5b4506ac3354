"""The console's tables in the ledger. Times are ISO 8601 text in UTC."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Table, Text

from sakimori.store.tables import metadata

people = Table(
    "console_people",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password", Text, nullable=False),  # its hash; "" until one is chosen
    Column("invitation", Text, nullable=False),  # the fingerprint of what was sent; "" once it was used
    Column("invited_until", Text, nullable=False),
    Column("made_at", Text, nullable=False),
)

sessions = Table(
    "console_sessions",
    metadata,
    Column("id", Text, primary_key=True),  # the fingerprint of the secret that a browser or a script holds
    Column("person", Text, ForeignKey("console_people.name"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("seen_at", Text, nullable=False),
    Column("ends_at", Text, nullable=False),
    Index("console_sessions_person", "person"),
)
