"""Responses: runs, actions, approvals, the audit log, dead letters."""

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer, Text

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "respond_runs",
        Column("id", Text, primary_key=True),
        Column("workflow", Text, nullable=False),
        Column("event_uid", Text, nullable=False),
        Column("revision", Text, nullable=False),
        Column("event", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("mode", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("decision", Text, nullable=False),
        Column("why", Text, nullable=False),
        Column("not_evaluated", Text, nullable=False),
        Column("owner", Text, nullable=False),
        Column("lease_until", Text, nullable=False),
        Column("created_at", Text, nullable=False),
        Column("updated_at", Text, nullable=False),
    )
    op.create_index("respond_runs_state", "respond_runs", ["state", "updated_at"])
    op.create_index("respond_runs_event", "respond_runs", ["event_uid"])
    op.create_table(
        "respond_actions",
        Column("run_id", Text, ForeignKey("respond_runs.id"), primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("workflow", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("target", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("before", Text, nullable=False),
        Column("would", Text, nullable=False),
        Column("after", Text, nullable=False),
        Column("why", Text, nullable=False),
        Column("applied_at", Text, nullable=False),
    )
    op.create_index("respond_actions_applied", "respond_actions", ["applied_at"])
    op.create_table(
        "respond_approvals",
        Column("id", Text, primary_key=True),
        Column("run_id", Text, ForeignKey("respond_runs.id"), nullable=False),
        Column("expires_at", Text, nullable=False),
        Column("used_at", Text, nullable=False),
        Column("used_by", Text, nullable=False),
        Column("verdict", Text, nullable=False),
    )
    op.create_index("respond_approvals_run", "respond_approvals", ["run_id"])
    op.create_table(
        "respond_audit",
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("at", Text, nullable=False),
        Column("by", Text, nullable=False),
        Column("what", Text, nullable=False),
        Column("run_id", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("hash", Text, nullable=False),
    )
    op.create_index("respond_audit_run", "respond_audit", ["run_id"])
    op.create_table(
        "respond_dead_letters",
        Column("id", Text, primary_key=True),
        Column("place", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("times", Integer, nullable=False),
        Column("first_at", Text, nullable=False),
        Column("last_at", Text, nullable=False),
        Column("replayed_at", Text, nullable=False),
    )
    op.create_index("respond_dead_letters_at", "respond_dead_letters", ["last_at"])
