"""A generic webhook: the message as JSON, signed if a secret is set.

The header `X-Sakimori-Signature` is `sha256=` and the HMAC of the timestamp in `X-Sakimori-Timestamp`, a dot and the
body, byte for byte. Whoever takes it in refuses what is older than some minutes, and an `id` that it has seen.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sakimori.notify.message import Message, Worded
from sakimori.notify.outside import as_json, ask, trust

SETTINGS = {"url": True, "secret": False, "private": False, "ca": False}
IAM_ACTIONS: tuple[str, ...] = ()
PEOPLE = False


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Posts the message."""
    content = as_json(document(message, said))
    headers = {"Content-Type": "application/json", "Idempotency-Key": _quoted(message.key)}
    if settings.get("secret"):
        headers |= signed(content, str(settings["secret"]), int(time.time()))
    ask("POST", settings["url"], content=content, headers=headers, trust=trust(settings))


def _quoted(key: str) -> str:
    """A string of structured headers (RFC 8941), as the draft of `Idempotency-Key` asks for: ASCII alone."""
    return f'"{quote(key, safe="/-")}"'


def signed(content: bytes, secret: str, now: int) -> dict[str, str]:
    """The headers that sign a body."""
    proof = hmac.new(secret.encode(), f"{now}.".encode() + content, hashlib.sha256).hexdigest()
    return {"X-Sakimori-Timestamp": str(now), "X-Sakimori-Signature": f"sha256={proof}"}


def document(message: Message, said: Worded) -> dict[str, Any]:
    """The message for programs."""
    return {
        "id": message.key,
        "about": message.about,
        "kind": message.kind,
        "severity": message.severity.label,
        "account": message.account,
        "target": message.target,
        "owner": message.owner,
        "who": message.who,
        "title": said.title,
        "lines": [{"label": label, "text": text} for label, text in said.lines],
        "facts": dict(message.facts),
        **({"items": [document(*pair) for pair in zip(message.items, said.items, strict=False)]} if said.items else {}),
    }
