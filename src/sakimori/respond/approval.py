"""Approvals: a signed token that lets one person decide once on one run, until it expires.

`PAYLOAD.SIGNATURE`, both base64url; the payload names the approval, the run and the time. Who holds the token may
decide: send it only where the people are who may.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

from sakimori.respond.errors import RespondError


@dataclass(frozen=True, slots=True)
class Approval:
    """What a token stands for. Times are ISO 8601 in UTC."""

    id: str
    run_id: str
    expires_at: str


def issue(run_id: str, expires_at: str) -> Approval:
    """A new approval for a run."""
    return Approval(secrets.token_hex(16), run_id, expires_at)


def token(key: bytes, approval: Approval) -> str:
    """What is sent to the people who decide."""
    payload = _encoded(json.dumps([approval.id, approval.run_id, approval.expires_at]).encode())
    return f"{payload}.{_encoded(_signature(key, payload))}"


def read_token(key: bytes, text: str, now: str) -> Approval:
    """The approval that a token stands for. Raises RespondError if it was not signed here, or is expired."""
    payload, _, signature = text.strip().partition(".")
    try:
        genuine = hmac.compare_digest(_decoded(signature), _signature(key, payload))
        fields = json.loads(_decoded(payload)) if genuine else []
    except (ValueError, binascii.Error):
        fields = []
    if len(fields) != 3:
        raise RespondError("the approval is not one that was issued here, or it was changed on the way")
    approval = Approval(*map(str, fields))
    if approval.expires_at <= now:
        raise RespondError(f"the approval expired at {approval.expires_at}: run the workflow again to be asked anew")
    return approval


def _signature(key: bytes, payload: str) -> bytes:
    return hmac.new(key, payload.encode("utf-8", "replace"), hashlib.sha256).digest()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("utf-8", "replace") + b"=" * (-len(text) % 4))
