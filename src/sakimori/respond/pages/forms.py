"""Forms that only our own page can have made, and that a person has sent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

from sakimori.notify.signing import Signer

OPEN_FOR = timedelta(minutes=15)
LARGEST = 16 << 10
"""Bytes of a form."""

FORM = "form"
"""The purpose of the tokens in forms."""


def seal(signer: Signer, token: str, verdict: str, now: datetime) -> str:
    """What a form carries that was made for this token and this verdict, now."""
    return signer.sign(FORM, (_short(token), verdict, now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))


def is_ours(signer: Signer, form: Mapping[str, str], now: datetime) -> bool:
    """Whether a form was made by our page for what it asks, and not long ago."""
    parts = signer.read(FORM, form.get("form", ""))
    if parts is None or len(parts) != 3 or parts[:2] != [_short(form.get("token", "")), form.get("verdict", "")]:
        return False
    made = datetime.fromisoformat(parts[2])
    return made <= now + timedelta(minutes=1) and now <= made + OPEN_FOR


def from_our_page(request: Request, address: str) -> bool:
    """Whether the browser says that the form was sent from a page of ours. Old browsers say nothing: then the form
    alone counts."""
    site, origin = request.headers.get("sec-fetch-site", ""), request.headers.get("origin", "")
    ours = {_origin(address), _origin(str(request.base_url))} - {""}
    return site in ("", "same-origin") and (not origin or origin in ours)


async def read(request: Request) -> dict[str, str] | None:
    """The fields of a form; None if it is none, or too large. A field that is there twice makes it none."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            return None
    try:
        fields = parse_qsl(body.decode("ascii"), max_num_fields=10, strict_parsing=True)
    except (ValueError, UnicodeDecodeError):
        return None
    return dict(fields) if len(dict(fields)) == len(fields) else None


def _short(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
