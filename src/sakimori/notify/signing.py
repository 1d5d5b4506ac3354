"""Signed tokens: a text that nobody but us can make, for one purpose.

`PAYLOAD.SIGNATURE`, both base64url: a list of texts as JSON, and its HMAC-SHA-256 under a key that is made for the
purpose, so that a token for one purpose is none for another. The first key signs; tokens of the older ones still
count, until those are taken away: that is how keys are changed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST = 4096
"""Characters of a token. Ours have some hundred."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with the first of `keys`, and believes them all."""

    keys: tuple[bytes, ...]

    def sign(self, purpose: str, parts: Sequence[str]) -> str:
        """A token that stands for these texts."""
        payload = _encoded(json.dumps(list(parts), ensure_ascii=False, separators=(",", ":")).encode())
        return f"{payload}.{_encoded(_signature(self.keys[0], purpose, payload))}"

    def read(self, purpose: str, token: str) -> list[str] | None:
        """What a token stands for; None if it was not signed here, or for another purpose."""
        token = token.replace("\u2060", "").strip()  # what chats put beside marks, so that they are none
        payload, _, signature = token.partition(".")
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            given = _decoded(signature)
            genuine = [hmac.compare_digest(given, _signature(key, purpose, payload)) for key in self.keys]
            parts = json.loads(_decoded(payload)) if any(genuine) else None
        except (ValueError, binascii.Error):
            return None
        return parts if isinstance(parts, list) and all(isinstance(part, str) for part in parts) else None


def _signature(key: bytes, purpose: str, payload: str) -> bytes:
    own = hmac.new(key, f"sakimori/token/{purpose}/1".encode(), hashlib.sha256).digest()
    return hmac.new(own, payload.encode(), hashlib.sha256).digest()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Strict: no other text stands for the same bytes, so that a token cannot be written in two ways."""
    data = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encoded(data) != text:
        raise ValueError("not how we write it")
    return data
