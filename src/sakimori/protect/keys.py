"""API keys: made, and recognised when a call brings one.

A key is `skm-TENANT-ID-SECRET`. Whoever knows a secret has been checked once by scrypt; then a digest of it under a
random key of this process is remembered for a moment, so that a busy client costs one slow hash and not a thousand.
"""

from __future__ import annotations

import hashlib
import secrets as random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from sakimori.protect import rights, secrets, storage
from sakimori.protect.clock import now
from sakimori.protect.declare import Resource
from sakimori.protect.errors import Forbidden, Unauthenticated
from sakimori.protect.resources import all_resources
from sakimori.store.database import reading

REMEMBERED_SECONDS = 1.0
"""How long a key that another process revoked may go on working here; revoking in this process is at once."""

_NONE = "the call has no API key: send one in the header api-secret-key, or as `Authorization: ApiKey KEY`"
_BAD = "the API key is not valid here: it is mistyped, of another manager, or revoked"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who calls: a key of a tenant, with its role."""

    tenant: int
    key: int
    role: rights.Role
    expires: int
    """Milliseconds since 1970, 0 for never."""


@dataclass(frozen=True, slots=True)
class _Known:
    holder: Holder
    kept: str
    checked: float


class Keys:
    """Recognises keys. One a process."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pepper = random.token_bytes(32)
        self._known: dict[bytes, _Known] = {}

    def known(self, presented: str) -> Holder | None:
        """The holder of a key that was recognised a moment ago. Raises Unauthenticated if it has expired since."""
        found = self._known.get(self._digest(presented))
        if found is None or time.monotonic() - found.checked > REMEMBERED_SECONDS:
            return None
        return _unexpired(found.holder)

    def recognise(self, presented: str) -> Holder:
        """The holder of a key, read from the ledger anew. Raises Unauthenticated or Forbidden."""
        tenant, id, secret = parse(presented)
        with reading(self._engine) as connection:
            body = storage.get_or_none(connection, tenant, "apikeys", id)
            role = storage.get_or_none(connection, tenant, "roles", body.get("roleID", 0)) if body else None
        if body is None:
            raise Unauthenticated(_BAD)
        digest = self._digest(presented)
        before = self._known.get(digest)
        kept = str(body.get("_secret", ""))
        if (before is None or before.kept != kept) and not secrets.matches(secret, kept):
            raise Unauthenticated(_BAD)
        if body.get("active") is False:
            raise Unauthenticated("the API key is switched off")
        if role is None:
            raise Forbidden("the API key has no role")
        holder = _unexpired(Holder(tenant, id, rights.role(body["roleID"], role), body.get("expiryDate") or 0))
        if not holder.role.web_service:
            raise Forbidden("the role of this key does not let it use the API (allowWebService)")
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[digest] = _Known(holder, kept, time.monotonic())
        return holder

    def is_remembered(self, presented: str) -> bool:
        """Whether the secret itself needs no slow check."""
        return self._digest(presented) in self._known

    def forget(self) -> None:
        """After a change of keys, roles or tenants: everyone is looked up again."""
        self._known = {
            digest: _Known(each.holder, each.kept, -REMEMBERED_SECONDS) for digest, each in self._known.items()
        }

    def _digest(self, presented: str) -> bytes:
        return hashlib.blake2b(presented.encode("utf-8", "replace"), key=self._pepper, digest_size=32).digest()


def _unexpired(holder: Holder) -> Holder:
    if holder.expires and holder.expires <= now():
        raise Unauthenticated("the API key has expired: make another one")
    return holder


def presented(headers: Mapping[str, str]) -> str:
    """The key that a call brings, in either header. Raises Unauthenticated."""
    key = headers.get("api-secret-key", "").strip()
    if not key:
        scheme, _, key = headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() not in ("apikey", "bearer"):
            key = ""
    if not key:
        raise Unauthenticated(_NONE)
    return key.strip()


def parse(presented: str) -> tuple[int, int, str]:
    """(tenant, ID, secret) of a key. Raises Unauthenticated."""
    parts = presented.split("-", 3)
    if len(parts) != 4 or parts[0] != "skm" or not all(part.isascii() and part.isdigit() for part in parts[1:3]):
        raise Unauthenticated(_BAD)
    if len(parts[1]) > 9 or len(parts[2]) > 18:
        raise Unauthenticated(_BAD)
    return int(parts[1]), int(parts[2]), parts[3]


def resource() -> Resource:
    return all_resources()["apikeys"]


def create(connection: Connection, tenant: int, body: Mapping[str, Any]) -> tuple[int, str]:
    """Makes a key and returns its ID and, this once, the key itself."""
    own = dict(body) | {"created": now(), "unsuccessfulSignInAttempts": 0, "serviceAccount": False}
    id = storage.make(connection, tenant, resource(), own)
    return id, replace_secret(connection, tenant, id)


def replace_secret(connection: Connection, tenant: int, id: int) -> str:
    """Gives a key a new secret; the old one is void. Returns the key."""
    secret = secrets.new_secret()
    body = storage.get(connection, tenant, resource(), id)
    storage.replace(connection, tenant, resource(), id, body | {"_secret": secrets.hashed(secret)})
    return f"skm-{tenant}-{id}-{secret}"
