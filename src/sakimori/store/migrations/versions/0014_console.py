"""Who may sign in to the console, and who is; and runs by their time."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Text

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "console_people",
        Column("name", Text, primary_key=True),
        Column("password", Text, nullable=False),
        Column("invitation", Text, nullable=False),
        Column("invited_until", Text, nullable=False),
        Column("made_at", Text, nullable=False),
    )
    op.create_table(
        "console_sessions",
        Column("id", Text, primary_key=True),
        Column("person", Text, ForeignKey("console_people.name"), nullable=False),
        Column("kind", Text, nullable=False),
        Column("made_at", Text, nullable=False),
        Column("seen_at", Text, nullable=False),
        Column("ends_at", Text, nullable=False),
    )
    op.create_index("console_sessions_person", "console_sessions", ["person"])
    op.create_index("respond_runs_created", "respond_runs", ["created_at", "id"])
