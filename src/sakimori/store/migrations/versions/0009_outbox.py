"""What is to be told is kept until it is: held in quiet hours, tried again, escalated, acknowledged."""

from alembic import op
from sqlalchemy import Column, Integer, MetaData, Table, Text, select

revision = "0009"
down_revision = "0008"

_TEXTS = ("about", "news", "next_at", "message", "reference", "digest", "escalate_at")


def upgrade() -> None:
    for name in _TEXTS:
        op.add_column("notify_sent", Column(name, Text, nullable=False, server_default=""))
    for name in ("number", "severity"):
        op.add_column("notify_sent", Column(name, Integer, nullable=False, server_default="0"))
    _fill(op.get_bind())
    op.create_index("notify_sent_state", "notify_sent", ["state"])
    op.create_index("notify_sent_about", "notify_sent", ["route", "about"])
    op.create_index("notify_sent_news", "notify_sent", ["news"])


def _fill(connection) -> None:  # type: ignore[no-untyped-def]  # as every migration
    """What was sent before stays known: its key was `FINDING/KIND/SEVERITY`, or `RUN/ATTEMPT/KIND`."""
    sent = Table("notify_sent", MetaData(), autoload_with=connection)
    c = sent.c
    for number, row in enumerate(connection.execute(select(c.route, c.key, c.kind).order_by(c.at)).all(), 1):
        about, _, rest = row.key.partition("/")
        severity = rest.rpartition("/")[2] if row.kind.startswith("finding-") else ""
        values = {"number": number, "about": about, "news": row.key, "severity": int(severity or 0)}
        connection.execute(sent.update().where(c.route == row.route, c.key == row.key).values(values))
