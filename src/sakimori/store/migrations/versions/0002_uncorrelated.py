"""Which objects have matches that no correlation has looked at yet."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "uncorrelated",
        Column("number", Integer, primary_key=True, autoincrement=True),
        Column("object_uid", Text, ForeignKey("objects.uid"), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("uncorrelated_object", "uncorrelated", ["object_uid"])
