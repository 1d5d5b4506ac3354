"""The secret that signs approvals and the audit log: SAKIMORI_RESPOND_KEY, or a file that only its owner can read.

Processes that share a ledger must share it. One secret, a key for each use (HMAC as a key derivation, RFC 5869,
expand).

Links have keys of their own, which can be changed: SAKIMORI_LINK_KEYS, or `links.key`, which `sakimori respond rotate`
writes; the first signs, the others still count. Until there are any, links are signed with a key from the secret.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from sakimori.respond.errors import RespondError

SHORTEST = 32
"""Characters of a key."""

OLDER = 2
"""Older keys for links that go on to count."""


def respond_key(home: Path) -> bytes:
    """The secret; made where there is none. Raises RespondError."""
    told = os.environ.get("SAKIMORI_RESPOND_KEY", "")
    if told:
        if len(told) < SHORTEST:
            raise RespondError(f"SAKIMORI_RESPOND_KEY has {len(told)} characters: give it at least {SHORTEST}")
        return told.encode()
    place = home / "respond.key"
    if not place.exists():
        try:
            _make(place)
        except OSError as error:
            raise RespondError(f"cannot make {place}: {error.strerror}; set SAKIMORI_RESPOND_KEY instead") from error
    return _read(place)


def _make(place: Path) -> None:
    """Makes a new secret, unless another process is quicker: it is there as a whole, or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    own = place.with_name(f"{place.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            os.link(own, place)
    finally:
        own.unlink(missing_ok=True)


def link_keys(home: Path, secret: bytes) -> tuple[bytes, ...]:
    """The keys that sign links, the newest first. Raises RespondError."""
    told = os.environ.get("SAKIMORI_LINK_KEYS", "").split()
    place = home / "links.key"
    found = told or (_read(place).decode().split() if place.exists() else [])
    if any(len(each) < SHORTEST for each in found):
        where = "SAKIMORI_LINK_KEYS" if told else str(place)
        raise RespondError(f"a key in {where} is short: give each at least {SHORTEST} characters")
    return tuple(each.encode() for each in found) or first_link_keys(secret)


def first_link_keys(secret: bytes) -> tuple[bytes, ...]:
    """The key that signs links until it is changed."""
    return (derived(secret, "links").hex().encode(),)


def rotate_link_keys(home: Path, secret: bytes, *, keep_older: bool) -> int:
    """A new key signs links from now on; the older ones count on, or not. Gives how many keys count. Raises
    RespondError."""
    if os.environ.get("SAKIMORI_LINK_KEYS"):
        raise RespondError("the keys are in SAKIMORI_LINK_KEYS: put a new one before them, and take away the old")
    place, older = home / "links.key", link_keys(home, secret)[: OLDER if keep_older else 0]
    lines = [secrets.token_hex(32), *(each.decode() for each in older)]
    made = place.with_name(f"links.key.{os.getpid()}")
    try:
        home.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write("\n".join(lines))
        made.replace(place)
    except OSError as error:
        raise RespondError(f"cannot write {place}: {error.strerror}") from error
    return len(lines)


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
