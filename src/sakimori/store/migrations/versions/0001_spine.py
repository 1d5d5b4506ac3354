"""The first ledger: ingested objects, matches, findings with their history, settings."""

from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Text

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "objects",
        Column("uid", Text, primary_key=True),
        Column("path", Text, nullable=False),
        Column("kind", Text, nullable=False),
        Column("bytes", BigInteger, nullable=False),
        Column("sha256", Text, nullable=False),
        Column("etag", Text, nullable=False),
        Column("records", BigInteger, nullable=False),
        Column("refused", BigInteger, nullable=False),
        Column("account", Text, nullable=False),
        Column("region", Text, nullable=False),
        Column("first_event", BigInteger),
        Column("last_event", BigInteger),
        Column("ingested_at", Text, nullable=False),
        Column("lake_files", Text, nullable=False),
    )
    op.create_table(
        "refusals",
        Column("object_uid", Text, ForeignKey("objects.uid"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("offset", BigInteger, nullable=False),
        Column("reason", Text, nullable=False),
    )
    op.create_table(
        "matches",
        Column("rule", Text, primary_key=True),
        Column("record_id", Text, primary_key=True),
        Column("object_uid", Text, ForeignKey("objects.uid"), nullable=False),
        Column("time", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("region", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("source_ip", Text, nullable=False),
        Column("asset", Text, nullable=False),
        Column("group_key", Text, nullable=False),
        Column("matched", Text, nullable=False),
    )
    op.create_table(
        "findings",
        Column("uid", Text, primary_key=True),
        Column("rule", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("description", Text, nullable=False),
        Column("severity_id", Integer, nullable=False),
        Column("tactics", Text, nullable=False),
        Column("techniques", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("region", Text, nullable=False),
        Column("actor", Text, nullable=False),
        Column("source_ip", Text, nullable=False),
        Column("asset", Text, nullable=False),
        Column("count", BigInteger, nullable=False),
        Column("first_seen", Text, nullable=False),
        Column("last_seen", Text, nullable=False),
        Column("matched", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("created_at", Text, nullable=False),
        Column("updated_at", Text, nullable=False),
    )
    op.create_table(
        "finding_records",
        Column("finding_uid", Text, ForeignKey("findings.uid"), primary_key=True),
        Column("record_id", Text, primary_key=True),
        Column("time", Text, nullable=False),
    )
    op.create_table(
        "finding_status",
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("finding_uid", Text, ForeignKey("findings.uid"), nullable=False),
        Column("at", Text, nullable=False),
        Column("status", Text, nullable=False),
        Column("by", Text, nullable=False),
        Column("note", Text, nullable=False),
    )
    op.create_table(
        "settings",
        Column("name", Text, primary_key=True),
        Column("value", Text, nullable=False),
    )
    op.create_index("objects_path", "objects", ["path"])
    op.create_index("objects_events", "objects", ["first_event", "last_event"])
    op.create_index("matches_rule_time", "matches", ["rule", "time"])
    op.create_index("matches_object", "matches", ["object_uid"])
    op.create_index("matches_record", "matches", ["record_id"])
    op.create_index("findings_rule", "findings", ["rule"])
    op.create_index("findings_last_seen", "findings", ["last_seen"])
    op.create_index("finding_status_finding", "finding_status", ["finding_uid"])
