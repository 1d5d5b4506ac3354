"""Which services were asked where: none found of a kind, and nobody having looked, are not the same."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "discovery_asked",
        Column("account", Text, primary_key=True),
        Column("region", Text, primary_key=True),
        Column("service", Text, primary_key=True),
        Column("run", Integer, nullable=False),
        Column("at", Text, nullable=False),
    )
