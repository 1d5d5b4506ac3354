"""What the sentences of a run were made of, to tell them in other languages."""

from alembic import op
from sqlalchemy import Column, Text

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("respond_runs", Column("said", Text, nullable=False, server_default="{}"))
