"""Approvals: a signed token that lets one person decide once on one run, as it was planned, until it expires.

A token is bound to the approval (which counts once), the run, what it would do, and the person and the route that it
was sent to. Who holds it may decide: send it only where the people are who may.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass

from sakimori.notify.signing import Signer
from sakimori.respond.errors import RespondError
from sakimori.respond.runs import Run

PURPOSE = "approve"
"""The purpose of the tokens, and the page that takes them."""


class Refused(RespondError):
    """A token does not count. `reason` is why: forged, expired, used, changed or elsewhere; `facts` fill the text."""

    def __init__(self, said: str, reason: str, **facts: str) -> None:
        super().__init__(said)
        self.reason, self.facts = reason, facts


@dataclass(frozen=True, slots=True)
class Approval:
    """What people are asked. Times are ISO 8601 in UTC."""

    id: str
    run_id: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided with an approval; all "" while nobody has."""

    at: str
    by: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a token stands for: who was asked, by which route, about which plan (see `plan_of`)."""

    approval: Approval
    plan: str
    person: str
    route: str

    def name(self, how: str) -> str:
        """Who decides, for the audit log."""
        where = f" sent to {self.route}" if self.route else ""
        return f"{self.person or 'somebody'}, by {how}{where}"


def issue(run_id: str, expires_at: str) -> Approval:
    """A new approval for a run."""
    return Approval(secrets.token_hex(16), run_id, expires_at)


def plan_of(run: Run) -> str:
    """What a run would do, in short: the same for the same decision on the same targets, with the same outcome."""
    steps = [[each.action, each.target.uid, each.would] for each in run.actions]
    text = json.dumps([run.decision, steps], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def token(signer: Signer, asked: Asked) -> str:
    """What is sent to the people who decide."""
    approval = asked.approval
    parts = (approval.id, approval.run_id, approval.expires_at, asked.plan, asked.person, asked.route)
    return signer.sign(PURPOSE, parts)


def read_token(signer: Signer, text: str, now: str) -> Asked:
    """What a token stands for. Raises Refused if it was not signed here, or is expired."""
    parts = signer.read(PURPOSE, text)
    if parts is None or len(parts) != 6:
        raise Refused("the approval is not one that was issued here, or it was changed on the way", "forged")
    asked = Asked(Approval(*parts[:3]), *parts[3:])
    until = asked.approval.expires_at
    if until <= now:
        raise Refused(
            f"the approval expired at {until}: run the workflow again to be asked anew", "expired", until=until
        )
    return asked
