"""A generic webhook: the message as JSON, signed if a secret is set.

The header `X-Sakimori-Signature` is `sha256=` and the HMAC of the timestamp in `X-Sakimori-Timestamp`, a dot and the
body's `id`; whoever takes it in refuses what is older than some minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

from sakimori.notify.message import Message, Worded
from sakimori.notify.post import post

SETTINGS = {"url": True, "secret": False, "private": False}
IAM_ACTIONS: tuple[str, ...] = ()


def send(message: Message, said: Worded, settings: Mapping[str, Any]) -> None:
    """Posts the message."""
    headers = {}
    if settings.get("secret"):
        now = str(int(time.time()))
        signed = hmac.new(str(settings["secret"]).encode(), f"{now}.{message.key}".encode(), hashlib.sha256).hexdigest()
        headers = {"X-Sakimori-Timestamp": now, "X-Sakimori-Signature": f"sha256={signed}"}
    post(settings["url"], body=document(message, said), headers=headers, private=bool(settings.get("private")))


def document(message: Message, said: Worded) -> dict[str, Any]:
    """The message for programs."""
    return {
        "id": message.key,
        "kind": message.kind,
        "severity": message.severity.label,
        "account": message.account,
        "target": message.target,
        "who": message.who,
        "title": said.title,
        "lines": [{"label": label, "text": text} for label, text in said.lines],
        "facts": {name: value for name, value in message.facts.items() if name != "token"},
    }
