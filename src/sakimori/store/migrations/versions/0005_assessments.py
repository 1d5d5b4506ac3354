"""What findings of assessments need: their class, what shows them, and what to do."""

from alembic import op
from sqlalchemy import Column, Integer, Text

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("findings", Column("class_uid", Integer, nullable=False, server_default="2004"))
    op.add_column("findings", Column("evidence", Text, nullable=False, server_default="{}"))
    op.add_column("findings", Column("remediation", Text, nullable=False, server_default=""))
