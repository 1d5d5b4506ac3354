"""What was sent, by which route, and whether anybody has acknowledged it. Times are ISO 8601 text in UTC."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from sakimori.store.tables import metadata

sent = Table(
    "notify_sent",
    metadata,
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),  # sending, sent, failed
    Column("tries", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("acknowledged_at", Text, nullable=False),  # "" until somebody has
    Column("acknowledged_by", Text, nullable=False),
)
