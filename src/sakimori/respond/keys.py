"""The secret that signs approvals and the audit log: SAKIMORI_RESPOND_KEY, or a file that only its owner can read.

Processes that share a ledger must share it. One secret, a key for each use (HMAC as a key derivation, RFC 5869,
expand).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from sakimori.respond.errors import RespondError

SHORTEST = 32
"""Characters of SAKIMORI_RESPOND_KEY."""


def respond_key(home: Path) -> bytes:
    """The secret; made where there is none. Raises RespondError."""
    told = os.environ.get("SAKIMORI_RESPOND_KEY", "")
    if told:
        if len(told) < SHORTEST:
            raise RespondError(f"SAKIMORI_RESPOND_KEY has {len(told)} characters: give it at least {SHORTEST}")
        return told.encode()
    place = home / "respond.key"
    try:
        home.mkdir(parents=True, exist_ok=True)
        made = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(place)
    except OSError as error:
        raise RespondError(f"cannot make {place}: {error.strerror}; set SAKIMORI_RESPOND_KEY instead") from error
    with os.fdopen(made, "w") as out:
        out.write(secrets.token_hex(32))
    return _read(place)


def _read(place: Path) -> bytes:
    try:
        if place.stat().st_mode & 0o077:
            raise RespondError(f"others can read {place}: make it yours alone (chmod 600), after thinking of a new key")
        found = place.read_bytes().strip()
    except OSError as error:
        raise RespondError(f"cannot read {place}: {error.strerror}") from error
    if len(found) < SHORTEST:
        raise RespondError(f"{place} holds no key: restore it from a backup, or remove it to make a new one")
    return found


def derived(secret: bytes, purpose: str) -> bytes:
    """The key for one purpose."""
    return hmac.new(secret, f"sakimori/{purpose}/1".encode(), hashlib.sha256).digest()
