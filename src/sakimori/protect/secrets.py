"""Secrets of keys and people: made here, shown once, kept as scrypt hashes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

KEY, PASSWORD = "scrypt", "scrypt5"
"""How a secret is hashed: one that is random in itself, and one that a person chose."""

_COSTS = {
    KEY: {"n": 1 << 14, "r": 8, "p": 1, "maxmem": 1 << 26},
    PASSWORD: {"n": 1 << 14, "r": 8, "p": 5, "maxmem": 1 << 26},
}
"""About 16 MB and 40 ms a try, and five times as long for passwords: what the OWASP Password Storage Cheat Sheet asks
of scrypt."""


def new_secret() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def hashed(secret: str, kind: str = KEY) -> str:
    """`kind$salt$digest`."""
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(secret.encode(), salt=salt, dklen=32, **_COSTS[kind])
    return f"{kind}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(secret: str, kept: str) -> bool:
    """Whether a secret is the one that was hashed."""
    kind, _, rest = kept.partition("$")
    salt, _, digest = rest.partition("$")
    if kind not in _COSTS or not salt or not digest:
        return False
    found = hashlib.scrypt(secret.encode(), salt=base64.b64decode(salt), dklen=32, **_COSTS[kind])
    return hmac.compare_digest(found, base64.b64decode(digest))


def fingerprint(secret: str) -> str:
    """A digest of a secret that is random in itself, for what must be checked thousands of times a minute.

    An agent's secret has 256 random bits and no person chose it: there is no dictionary to try, so that a slow hash
    would add nothing but its cost.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
