"""What people were told, by which route."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "notify_sent",
        Column("route", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("tries", Integer, nullable=False),
        Column("why", Text, nullable=False),
        Column("at", Text, nullable=False),
        Column("acknowledged_at", Text, nullable=False),
        Column("acknowledged_by", Text, nullable=False),
    )
