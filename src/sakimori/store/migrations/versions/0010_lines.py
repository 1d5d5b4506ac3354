"""Budgets and breakers of the APIs that responses call."""

from alembic import op
from sqlalchemy import Column, Float, Integer, Text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "respond_lines",
        Column("api", Text, primary_key=True),
        Column("account", Text, primary_key=True),
        Column("due", Float(53), nullable=False),
        Column("failures", Integer, nullable=False),
        Column("open_until", Float(53), nullable=False),
    )
