"""What is to be sent and was sent, by which route, and whether anybody has acknowledged it.

Times are ISO 8601 text in UTC, "" for never.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text

from sakimori.store.tables import metadata

sent = Table(
    "notify_sent",
    metadata,
    Column("route", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("number", Integer, nullable=False),  # the order in which they came up
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),  # a finding's uid, a run's id
    Column("news", Text, nullable=False),  # the key without its escalations: acknowledged once for all routes
    Column("severity", Integer, nullable=False),
    Column("state", Text, nullable=False),  # see outbox.State
    Column("tries", Integer, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("next_at", Text, nullable=False),  # not tried again before this
    Column("message", Text, nullable=False),  # without links: they are signed when it is sent
    Column("reference", Text, nullable=False),  # what the channel calls it: a ticket's key
    Column("digest", Text, nullable=False),  # the key of the digest that it is in
    Column("escalate_at", Text, nullable=False),
    Column("acknowledged_at", Text, nullable=False),
    Column("acknowledged_by", Text, nullable=False),
    Index("notify_sent_state", "state"),
    Index("notify_sent_about", "route", "about"),
    Index("notify_sent_news", "news"),
)
