"""The workload protection manager: its objects, agents, jobs and events."""

from alembic import op
from sqlalchemy import BigInteger, Column, Double, Integer, Text

revision = "0003"
down_revision = "0002"

LETTERS = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "protect_objects",
        Column("tenant", Integer, primary_key=True),
        Column("resource", Text, primary_key=True),
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("parent", BigInteger, nullable=False),
        Column("body", Text, nullable=False),
    )
    op.create_table(
        "protect_values",
        Column("tenant", Integer, nullable=False),
        Column("resource", Text, nullable=False),
        Column("field", Text, nullable=False),
        Column("id", BigInteger, nullable=False),
        Column("head", LETTERS),
        Column("whole", Text),
        Column("number", Double),
    )
    op.create_index("protect_values_head", "protect_values", ["tenant", "resource", "field", "head", "id"])
    op.create_index("protect_values_number", "protect_values", ["tenant", "resource", "field", "number", "id"])
    op.create_index("protect_values_object", "protect_values", ["tenant", "resource", "id"])
    op.create_table(
        "protect_counters",
        Column("tenant", Integer, primary_key=True),
        Column("resource", Text, primary_key=True),
        Column("last", BigInteger, nullable=False),
        Column("revision", BigInteger, nullable=False),
    )
    op.create_table(
        "protect_agents",
        Column("tenant", Integer, primary_key=True),
        Column("computer", BigInteger, primary_key=True, autoincrement=False),
        Column("guid", Text, nullable=False, unique=True),
        Column("secret", Text, nullable=False),
        Column("last_seen", BigInteger, nullable=False),
        Column("address", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("isolated", Integer, nullable=False),
        Column("policy_requested", BigInteger, nullable=False),
        Column("policy_sent", BigInteger, nullable=False),
    )
    op.create_index("protect_agents_seen", "protect_agents", ["tenant", "last_seen"])
    op.create_table(
        "protect_hosts",
        Column("tenant", Integer, primary_key=True),
        Column("computer", BigInteger, primary_key=True, autoincrement=False),
        Column("described_at", BigInteger, nullable=False),
        Column("description", Text, nullable=False),
    )
    op.create_table(
        "protect_recommendations",
        Column("tenant", Integer, primary_key=True),
        Column("computer", BigInteger, primary_key=True, autoincrement=False),
        Column("resource", Text, primary_key=True),
        Column("scanned_at", BigInteger, nullable=False),
        Column("rules", Text, nullable=False),
    )
    op.create_table(
        "protect_jobs",
        Column("id", NUMBER, primary_key=True, autoincrement=True),
        Column("tenant", Integer, nullable=False),
        Column("computer", BigInteger, nullable=False),
        Column("type", Text, nullable=False),
        Column("task", BigInteger, nullable=False),
        Column("parameters", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("message", Text, nullable=False),
        Column("result", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("lease_until", BigInteger, nullable=False),
        Column("deadline", BigInteger, nullable=False),
        Column("finished_at", BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("protect_jobs_state", "protect_jobs", ["state", "lease_until"])
    op.create_index("protect_jobs_computer", "protect_jobs", ["tenant", "computer", "state"])
    op.create_index("protect_jobs_task", "protect_jobs", ["tenant", "task"])
    op.create_table(
        "protect_events",
        Column("id", NUMBER, primary_key=True, autoincrement=True),
        Column("tenant", Integer, nullable=False),
        Column("module", Text, nullable=False),
        Column("computer", BigInteger, nullable=False),
        Column("rule", BigInteger, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("key", Text, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("note", Text, nullable=False),
        Column("body", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("protect_events_once", "protect_events", ["tenant", "computer", "key"], unique=True)
    op.create_index("protect_events_module", "protect_events", ["tenant", "module", "at"])
    op.create_index("protect_events_rule", "protect_events", ["tenant", "module", "rule", "at"])
    op.create_table(
        "protect_usage",
        Column("id", NUMBER, primary_key=True, autoincrement=True),
        Column("tenant", Integer, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("body", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("protect_usage_at", "protect_usage", ["tenant", "at"])
