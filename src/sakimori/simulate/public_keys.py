"""CloudTrail's ListPublicKeys, which moto does not have, answered in AWS's shape.

Source: AWS CloudTrail API Reference, "ListPublicKeys" (AWS JSON 1.1; a blob is base64, a time is seconds since 1970).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sakimori.simulate.aws import Answer, Call, Handler
from sakimori.simulate.trail import SigningKey

OPERATION = "cloudtrail:ListPublicKeys"
"""What to register the handler under: `simulated.handlers[OPERATION] = public_key_handler(keys)`."""


@dataclass(frozen=True, slots=True)
class ValidKey:
    """A region's signing key and the time it was in use (UTC)."""

    region: str
    key: SigningKey
    start: datetime
    end: datetime


def list_public_keys(keys: Sequence[ValidKey], region: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to ListPublicKeys in `region`: its keys in use between StartTime and EndTime (default: now)."""
    now = datetime.now(UTC).timestamp()
    start, end = float(request.get("StartTime", now)), float(request.get("EndTime", now))
    return {
        "PublicKeyList": [
            {
                "Value": base64.b64encode(valid.key.public_der).decode(),
                "ValidityStartTime": valid.start.timestamp(),
                "ValidityEndTime": valid.end.timestamp(),
                "Fingerprint": valid.key.fingerprint,
            }
            for valid in keys
            if valid.region == region and valid.start.timestamp() <= end and start <= valid.end.timestamp()
        ]
    }


def public_key_handler(keys: Sequence[ValidKey]) -> Handler:
    """Answers ListPublicKeys in the region that the request is signed for."""

    def answer(call: Call) -> Answer:
        region = call.headers["authorization"].partition("Credential=")[2].split("/")[2]
        return Answer(json.dumps(list_public_keys(keys, region, json.loads(call.body or b"{}"))).encode())

    return answer
