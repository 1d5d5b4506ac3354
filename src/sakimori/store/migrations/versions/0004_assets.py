"""Assets with their history, relations, what could not be seen, and the runs of discovery."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "discovery_runs",
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("source", Text, nullable=False),
        Column("started_at", Text, nullable=False),
        Column("ended_at", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "assets",
        Column("uid", Text, primary_key=True),
        Column("type", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("region", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("tags", Text, nullable=False),
        Column("config", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("criticality", Integer),
        Column("seen_account", Text, nullable=False),
        Column("seen_region", Text, nullable=False),
        Column("service", Text, nullable=False),
        Column("run", Integer, ForeignKey("discovery_runs.number"), nullable=False),
        Column("first_seen", Text, nullable=False),
        Column("changed_at", Text, nullable=False),
        Column("gone_at", Text, nullable=False),
    )
    op.create_table(
        "asset_history",
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("uid", Text, ForeignKey("assets.uid"), nullable=False),
        Column("at", Text, nullable=False),
        Column("run", Integer, nullable=False),
        Column("event", Text, nullable=False),
        Column("changes", Text, nullable=False),
    )
    op.create_table(
        "relations",
        Column("source", Text, primary_key=True),
        Column("kind", Text, primary_key=True),
        Column("target", Text, primary_key=True),
        Column("properties", Text, nullable=False),
        Column("run", Integer, nullable=False),
    )
    op.create_table(
        "not_evaluated",
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("account", Text, nullable=False),
        Column("region", Text, nullable=False),
        Column("service", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("resource", Text, nullable=False),
        Column("code", Text, nullable=False),
        Column("message", Text, nullable=False),
        Column("run", Integer, nullable=False),
        Column("at", Text, nullable=False),
    )
    op.create_index("assets_type", "assets", ["type"])
    op.create_index("assets_unit", "assets", ["seen_account", "seen_region", "service"])
    op.create_index("asset_history_uid", "asset_history", ["uid"])
    op.create_index("relations_target", "relations", ["target"])
    op.create_index("not_evaluated_unit", "not_evaluated", ["account", "region", "service"])
