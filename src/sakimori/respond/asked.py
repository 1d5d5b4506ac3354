"""Approvals in the book: what people are asked about a run, and what they decided, once."""

from __future__ import annotations

from sqlalchemy import delete, insert, select, update

from sakimori.respond import tables
from sakimori.respond.approval import Approval, Decided
from sakimori.respond.errors import RespondError
from sakimori.respond.page import OURSELVES, Page, stamp
from sakimori.respond.rows import row_of, set_run
from sakimori.respond.runs import RunState
from sakimori.store.database import reading
from sakimori.store.text import storable


class Asked(Page):
    """The book's page of approvals."""

    def ask(self, approval: Approval) -> None:
        """Enters that people are asked; what was asked before about the run does not count any more."""
        c = tables.approvals.c
        with self.writing() as (connection, note):
            connection.execute(delete(tables.approvals).where(c.run_id == approval.run_id, c.used_at == ""))
            row = {"id": approval.id, "run_id": approval.run_id, "expires_at": approval.expires_at}
            connection.execute(insert(tables.approvals), row | {"used_at": "", "used_by": "", "verdict": ""})
            note(OURSELVES, "approval asked", approval.run_id, {"expires_at": approval.expires_at})

    def open_approval(self, run: str) -> Approval | None:
        """What people were asked about a run, while nobody has decided."""
        c = tables.approvals.c
        query = select(c.id, c.run_id, c.expires_at).where(c.run_id == run, c.used_at == "")
        with reading(self.engine) as connection:
            row = connection.execute(query).first()
        return Approval(*row) if row else None

    def decided(self, approval: Approval) -> Decided | None:
        """What was decided with an approval; None where nobody is asked with it any more."""
        c = tables.approvals.c
        query = select(c.used_at, c.used_by, c.verdict).where(c.id == approval.id, c.run_id == approval.run_id)
        with reading(self.engine) as connection:
            row = connection.execute(query).first()
        return Decided(*row) if row else None

    def decide(self, approval: Approval, by: str, approved: bool) -> None:
        """Enters a person's decision, once. Raises RespondError if it was decided, has expired or nobody was asked."""
        c, now = tables.approvals.c, stamp()
        verdict = "approved" if approved else "rejected"
        with self.writing() as (connection, note):
            row = connection.execute(select(tables.approvals).where(c.id == approval.id)).first()
            if row is None or row.run_id != approval.run_id:
                raise RespondError(f"nobody is asked about the run {approval.run_id} with this approval any more")
            if row.used_at:
                raise RespondError(f"the run {row.run_id} was {row.verdict} by {row.used_by} at {row.used_at} already")
            if row.expires_at <= now:
                raise RespondError(f"the approval expired at {row.expires_at}: run the workflow again to be asked anew")
            values = {"used_at": now, "used_by": storable(by), "verdict": verdict}
            connection.execute(update(tables.approvals).where(c.id == approval.id).values(values))
            state = RunState.CARRYING if approved else RunState.REJECTED
            run_row = row_of(connection, row.run_id)
            attempt = run_row.attempt + 1 if run_row else 1
            set_run(connection, row.run_id, state=state, attempt=attempt, owner="", lease_until="")
            note(by, verdict, row.run_id, {"approval": approval.id})

    def was_approved(self, run: str) -> bool:
        """Whether a person has approved the run."""
        c = tables.approvals.c
        with reading(self.engine) as connection:
            query = select(c.id).where(c.run_id == run, c.verdict == "approved")
            return connection.execute(query).first() is not None
