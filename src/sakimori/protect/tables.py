"""The manager's tables in the ledger. Times are milliseconds since 1970, as the API writes them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text

from sakimori.store.tables import metadata

LETTERS = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its code points, so that what begins alike stands together."""

NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""A number that counts up by itself; SQLite does that for INTEGER alone, which has 64 bits there."""

HEAD = 120
"""The letters of a value that its index holds: B-trees have a limit, and a prefix is selective enough."""

objects = Table(
    "protect_objects",
    metadata,
    Column("tenant", Integer, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("parent", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)

values = Table(
    "protect_values",
    metadata,
    Column("tenant", Integer, nullable=False),
    Column("resource", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("id", BigInteger, nullable=False),
    Column("head", LETTERS),  # the value in lower case, its first HEAD letters; null for numbers
    Column("whole", Text),  # the whole value in lower case, where it is longer than that
    Column("number", Double),
    Index("protect_values_head", "tenant", "resource", "field", "head", "id"),
    Index("protect_values_number", "tenant", "resource", "field", "number", "id"),
    Index("protect_values_object", "tenant", "resource", "id"),
)
"""The searchable values of every object: what search criteria are answered from."""

counters = Table(
    "protect_counters",
    metadata,
    Column("tenant", Integer, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),  # the highest ID ever given: none is given twice
    Column("revision", BigInteger, nullable=False),  # goes up with every change to the collection
)

agents = Table(
    "protect_agents",
    metadata,
    Column("tenant", Integer, primary_key=True),
    Column("computer", BigInteger, primary_key=True, autoincrement=False),
    Column("guid", Text, nullable=False, unique=True),
    Column("secret", Text, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("address", Text, nullable=False),
    Column("status", Text, nullable=False),  # JSON: what the agent said of itself and its modules
    Column("isolated", Integer, nullable=False),
    Column("policy_requested", BigInteger, nullable=False),
    Column("policy_sent", BigInteger, nullable=False),
    Index("protect_agents_seen", "tenant", "last_seen"),
)

hosts = Table(
    "protect_hosts",
    metadata,
    Column("tenant", Integer, primary_key=True),
    Column("computer", BigInteger, primary_key=True, autoincrement=False),
    Column("described_at", BigInteger, nullable=False),
    Column("description", Text, nullable=False),  # JSON: packages, ports, services, files
)

recommendations = Table(
    "protect_recommendations",
    metadata,
    Column("tenant", Integer, primary_key=True),
    Column("computer", BigInteger, primary_key=True, autoincrement=False),
    Column("resource", Text, primary_key=True),  # of the rules
    Column("scanned_at", BigInteger, nullable=False),
    Column("rules", Text, nullable=False),  # JSON: the IDs of all rules that fit the host
)

jobs = Table(
    "protect_jobs",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("tenant", Integer, nullable=False),
    Column("computer", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("task", BigInteger, nullable=False),  # the scheduled task that asked for it, 0 for none
    Column("parameters", Text, nullable=False),
    Column("state", Text, nullable=False),  # queued, running, done, failed
    Column("message", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("lease_until", BigInteger, nullable=False),  # when whoever runs it is taken for dead; 0 if nobody does
    Column("deadline", BigInteger, nullable=False),
    Column("finished_at", BigInteger, nullable=False),
    Index("protect_jobs_state", "state", "lease_until"),
    Index("protect_jobs_computer", "tenant", "computer", "state"),
    Index("protect_jobs_task", "tenant", "task"),
    sqlite_autoincrement=True,
)

events = Table(
    "protect_events",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("tenant", Integer, nullable=False),
    Column("module", Text, nullable=False),
    Column("computer", BigInteger, nullable=False),
    Column("rule", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("key", Text, nullable=False),  # the agent's own id of the event: sent twice, kept once
    Column("verdict", Text, nullable=False),  # "", true-positive or false-positive: what a person said of it
    Column("note", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("protect_events_once", "tenant", "computer", "key", unique=True),
    Index("protect_events_module", "tenant", "module", "at"),
    Index("protect_events_rule", "tenant", "module", "rule", "at"),
    sqlite_autoincrement=True,
)

modes = Table(
    "protect_modes",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("tenant", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("scope", Text, nullable=False),  # policies/3, computers/7, intrusionpreventionrules/1001, policies/default
    Column("subject", Text, nullable=False),  # intrusionPrevention/state, rule/1001/action, ...
    Column("before", Text, nullable=False),  # JSON
    Column("after", Text, nullable=False),  # JSON
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("evidence", Text, nullable=False),  # JSON: what a promotion went by
    Index("protect_modes_scope", "tenant", "scope", "subject"),
    sqlite_autoincrement=True,
)

usage = Table(
    "protect_usage",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("tenant", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("protect_usage_at", "tenant", "at"),
    sqlite_autoincrement=True,
)
