"""HTTP to an address that a user has set: over TLS, without redirects, and not into the machine's own network.

The address comes from the settings, and not from findings. Still a slip, or a host whose name leads elsewhere, must not
make us talk to the metadata service or to something behind the firewall (server-side request forgery). The name is
looked up once, every address that it has is checked, and the connection goes to the one that was: a name that leads
elsewhere the next time (DNS rebinding) leads nowhere. TLS still asks for a certificate of the name.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from sakimori.model.said import say
from sakimori.notify.errors import NotifyError

SECONDS = 10.0
"""For each wait."""

LONGEST = 30.0
"""Seconds that an answer may take in all."""

LARGEST = 1 << 20
"""Bytes of an answer that are read."""

AFTERWARDS = (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError)
"""What goes wrong when all was sent, and the answer is waited for."""

GATEWAYS = (502, 504)
"""Statuses of what stands between, and does not know what became of it (RFC 9110, 15.6)."""

METADATA = ipaddress.ip_address("fd00:ec2::254")
"""The instance metadata service over IPv6; over IPv4 it is link-local. Source: "Instance metadata", EC2 user guide."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def post(url: str, body: Any, settings: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
    """Posts JSON to a webhook, with the settings `private` and `ca` of its route. Raises NotifyError."""
    own = {"Content-Type": "application/json", **(headers or {})}
    ask("POST", url, content=as_json(body), headers=own, trust=trust(settings))


def as_json(body: Any) -> bytes:
    """As it is posted; what is no Unicode (half a surrogate pair) becomes a question mark."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Trust:
    """What is meant: with `private` hosts in private networks and plain HTTP; `ca` is a PEM file of the CA that signs
    their certificates, "" for those that everybody trusts."""

    private: bool = False
    ca: str = ""


def trust(settings: Mapping[str, Any]) -> Trust:
    """What a route's settings trust."""
    return Trust(bool(settings.get("private")), str(settings.get("ca", "")))


def ask(
    method: str,
    url: str,
    *,
    content: bytes = b"",
    headers: Mapping[str, str] | None = None,
    trust: Trust = Trust(),
    explain: Callable[[Answer], str] | None = None,
) -> Answer:
    """Asks, and gives an answer that is a success. Raises NotifyError, which does not show the URL: it may hold a
    secret. `explain` says in words what a refusal says in its body."""
    host, address = checked(url, private=trust.private)
    answer = _asked(method, url, (host, address), content, headers or {}, trust)
    if 200 <= answer.status < 300:
        return answer
    passing = answer.status >= 500 or answer.status in (408, 425, 429)
    advice = say("it may be over soon") if passing else say("look at the address, and at what it lets in")
    why = (explain(answer) if explain else "") or advice
    wait = wait_of(answer.headers) if passing else 0.0
    said = say("{host} answered {status}: {why}", host=host, status=answer.status, why=why)
    perhaps = answer.status in GATEWAYS
    raise NotifyError(said, passing=passing, wait=wait, status=answer.status, perhaps=perhaps)


def _asked(
    method: str, url: str, place: tuple[str, str], content: bytes, headers: Mapping[str, str], trust: Trust
) -> Answer:
    """Connects to the address, and speaks to the host."""
    meant, (host, address) = httpx.URL(url), place
    end = time.monotonic() + LONGEST
    own = {**headers, "Host": meant.netloc.decode("ascii"), "User-Agent": "sakimori"}
    extensions = {"sni_hostname": meant.raw_host.decode("ascii")} if meant.scheme == "https" else {}
    try:
        with httpx.Client(
            verify=_context(trust.ca), timeout=SECONDS, follow_redirects=False, trust_env=False
        ) as client:
            there = meant.copy_with(host=address)
            request = client.build_request(method, there, content=content or None, headers=own, extensions=extensions)
            answer = client.send(request, stream=True)
            try:
                found = {name.lower(): value for name, value in answer.headers.items()}
                return Answer(answer.status_code, found, _read(answer, end))
            finally:
                answer.close()
    except httpx.HTTPError as error:
        where = host if host == address else f"{host} ({address})"
        perhaps = isinstance(error, AFTERWARDS)
        said = say("{host} cannot be reached: {why}", host=where, why=_cause(error))
        raise NotifyError(said, passing=True, perhaps=perhaps) from error


@lru_cache(maxsize=8)
def _context(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca) if ca else httpx.create_ssl_context(trust_env=False)
    except (OSError, ssl.SSLError) as error:
        raise NotifyError(say("the CA's certificate {file} cannot be read: {error}", file=ca, error=error)) from error


def _read(answer: httpx.Response, end: float) -> bytes:
    """The body as far as we want it; what drips in for ever is not waited for."""
    read = bytearray()
    for part in answer.iter_bytes():
        read += part
        if len(read) > LARGEST:
            break
        if time.monotonic() > end:
            raise httpx.ReadTimeout("the answer takes too long")
    return bytes(read[:LARGEST])


def _cause(error: httpx.HTTPError) -> str:
    """What is in the way: a certificate says more about itself than `ConnectError`."""
    text = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return say("its certificate is not trusted ({why})", why=text.rpartition(": ")[2].partition(" (")[0])
    return {
        "ConnectTimeout": say("no connection within {seconds} seconds", seconds=f"{SECONDS:.0f}"),
        "ReadTimeout": say("no whole answer in time"),
        "ConnectError": say("no connection ({why})", why=text) if text else say("no connection"),
    }.get(type(error).__name__, type(error).__name__)


def checked(url: str, *, private: bool) -> tuple[str, str]:
    """The host and its address, if it may be talked to. Raises NotifyError, which does not show the URL: it may hold a
    secret."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise NotifyError(say("the address is no URL")) from None
    if not host or parts.scheme not in (("https", "http") if private else ("https",)):
        raise NotifyError(say("the address is not an https:// URL (set private = true for one in your own network)"))
    if parts.username or parts.password:
        raise NotifyError(say("the address holds a name or a password: give them as settings of their own"))
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise NotifyError(say("the host {host} has no address", host=host), passing=True) from None
    for each in sorted(found):
        _check_address(host, each, private=private)
    return host, sorted(found, key=lambda each: (":" in each, each))[0]


def _check_address(host: str, text: str, *, private: bool) -> None:
    for address in _meant(ipaddress.ip_address(text.partition("%")[0])):
        if address.is_link_local or address.is_multicast or address.is_unspecified or address == METADATA:
            said = say("{host} leads to {address}, which is never meant (a metadata service?)", host=host, address=text)
            raise NotifyError(said)
        if not address.is_global and not private:
            raise NotifyError(
                say(
                    "{host} leads to {address} in a private network: set private = true if it is meant",
                    host=host,
                    address=text,
                )
            )


def _meant(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[Any]:
    """The address, and the IPv4 address that is written in it: mapped (RFC 4291), by 6to4 (RFC 3056), Teredo (RFC 4380)
    or NAT64 (RFC 6052)."""
    if not isinstance(address, ipaddress.IPv6Address):
        return [address]
    inner: list[Any] = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in ipaddress.ip_network("64:ff9b::/96"):
        inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    return [address, *(each for each in inner if each is not None)]


def wait_of(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Seconds that an answer asks us to stay away; 0 if it does not.

    `Retry-After` is seconds or a date (RFC 9110); `X-RateLimit-Reset` is a moment, in seconds since 1970 (Backlog) or
    ISO 8601 (Jira).
    """
    now = now or datetime.now(UTC)
    asked = _seconds(headers.get("retry-after", ""), now, relative=True)
    spent = headers.get("x-ratelimit-remaining", "0") == "0"
    reset = _seconds(headers.get("x-ratelimit-reset", ""), now, relative=False) if spent else 0.0
    return max(asked, reset, 0.0)


def _seconds(text: str, now: datetime, *, relative: bool) -> float:
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) < 16:
        return float(text) if relative else float(text) - now.timestamp()
    try:
        moment = parsedate_to_datetime(text) if relative else datetime.fromisoformat(text)
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, OverflowError):
        return 0.0
