"""Which records are behind a finding, in one tree of SQLite where there were two: half as much is written."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Text

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    op.rename_table("finding_records", "finding_records_before")
    op.create_table(
        "finding_records",
        Column("finding_uid", Text, ForeignKey("findings.uid"), primary_key=True),
        Column("record_id", Text, primary_key=True),
        Column("time", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO finding_records SELECT finding_uid, record_id, time FROM finding_records_before")
    op.drop_table("finding_records_before")
