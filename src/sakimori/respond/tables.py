"""The tables of responses in the ledger. Times are ISO 8601 text in UTC, JSON is text."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, Table, Text

from sakimori.store.tables import metadata

runs = Table(
    "respond_runs",
    metadata,
    Column("id", Text, primary_key=True),  # from what it is about, its revision and the workflow
    Column("workflow", Text, nullable=False),
    Column("event_uid", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("decision", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("not_evaluated", Text, nullable=False),
    Column("said", Text, nullable=False, server_default="{}"),  # what the sentences were made of
    Column("owner", Text, nullable=False),  # the process that is at it
    Column("lease_until", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("updated_at", Text, nullable=False),
    Index("respond_runs_state", "state", "updated_at"),
    Index("respond_runs_event", "event_uid"),
    Index("respond_runs_created", "created_at", "id"),
)

actions = Table(
    "respond_actions",
    metadata,
    Column("run_id", Text, ForeignKey("respond_runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("workflow", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("would", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("applied_at", Text, nullable=False),  # "" until it was begun
    Index("respond_actions_applied", "applied_at"),
)

approvals = Table(
    "respond_approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_id", Text, ForeignKey("respond_runs.id"), nullable=False),
    Column("expires_at", Text, nullable=False),
    Column("used_at", Text, nullable=False),  # "" until somebody decided
    Column("used_by", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Index("respond_approvals_run", "run_id"),
)

audit = Table(
    "respond_audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("respond_audit_run", "run_id"),
)

dead_letters = Table(
    "respond_dead_letters",
    metadata,
    Column("id", Text, primary_key=True),  # the hash of the body
    Column("place", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("times", Integer, nullable=False),
    Column("first_at", Text, nullable=False),
    Column("last_at", Text, nullable=False),
    Column("replayed_at", Text, nullable=False),
    Index("respond_dead_letters_at", "last_at"),
)

lines = Table(
    "respond_lines",
    metadata,
    Column("api", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("due", Float(53), nullable=False),  # seconds since 1970, as open_until
    Column("failures", Integer, nullable=False),
    Column("open_until", Float(53), nullable=False),
)
