"""Every change of what the protection manager enforces: who, when, why."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, Text

revision = "0007"
down_revision = "0006"

NUMBER = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "protect_modes",
        Column("id", NUMBER, primary_key=True, autoincrement=True),
        Column("tenant", Integer, nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("scope", Text, nullable=False),
        Column("subject", Text, nullable=False),
        Column("before", Text, nullable=False),
        Column("after", Text, nullable=False),
        Column("who", Text, nullable=False),
        Column("why", Text, nullable=False),
        Column("evidence", Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("protect_modes_scope", "protect_modes", ["tenant", "scope", "subject"])
