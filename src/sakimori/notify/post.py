"""HTTP POST to an address that a user has set: over TLS, without redirects, and not into the machine's own network.

The address comes from the settings, and not from findings. Still a slip, or a host whose name leads elsewhere, must not
make us talk to the metadata service or to something behind the firewall (server-side request forgery).
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import httpx

from sakimori.notify.errors import NotifyError

SECONDS = 10.0


def post(url: str, *, body: Any, headers: dict[str, str] | None = None, private: bool = False) -> None:
    """Posts JSON. With `private`, hosts in private networks and plain HTTP are meant. Raises NotifyError."""
    host, address = checked(url, private=private)
    try:
        transport = httpx.HTTPTransport(retries=0, trust_env=False)
        with httpx.Client(transport=transport, timeout=SECONDS, follow_redirects=False, trust_env=False) as client:
            answer = client.post(url, json=body, headers=headers or {})
    except httpx.HTTPError as error:
        raise NotifyError(f"{host} ({address}) cannot be reached: {type(error).__name__}") from error
    if not 200 <= answer.status_code < 300:
        raise NotifyError(f"{host} answered {answer.status_code}: look at the address, and at what it lets in")


def checked(url: str, *, private: bool) -> tuple[str, str]:
    """The host and its address, if it may be talked to. Raises NotifyError, which does not show the URL: it may hold a
    secret."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise NotifyError("the address is no URL") from None
    if not host or parts.scheme not in (("https", "http") if private else ("https",)):
        raise NotifyError("the address is not an https:// URL (set private = true for one in your own network)")
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        raise NotifyError(f"the host {host} has no address") from None
    for each in sorted(map(str, found)):
        address = ipaddress.ip_address(each.partition("%")[0])
        if address.is_link_local or address.is_multicast or address.is_unspecified:
            raise NotifyError(f"{host} leads to {each}, which is never meant (a metadata service?)")
        if not address.is_global and not private:
            raise NotifyError(f"{host} leads to {each} in a private network: set private = true if it is meant")
    return host, sorted(map(str, found))[0]
