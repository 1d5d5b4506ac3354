"""A rule's test payloads as the bytes that a client would send.

An HTTP payload is written short: request line (without the version), headers, an empty line, the body. `Host` and
`Content-Length` are added where they are missing. `{{A*4096}}` stands for that many of what is before the `*`. Anything
else is sent as it is, a character a byte (ISO 8859-1).
"""

from __future__ import annotations

import re

from sakimori.protect.catalogue.rules import VirtualPatch
from sakimori.protect.catalogue.signature import parse

_REPEATED = re.compile(r"\{\{(.+?)\*(\d{1,6})\}\}")


def payload(patch: VirtualPatch, text: str) -> bytes:
    """What is sent for a test of this rule."""
    return http_request(text) if parse(patch.signatures[0]).protocol == "http" else text.encode("latin-1")


def port(patch: VirtualPatch, ports: tuple[int, ...]) -> int:
    """Where it is sent: the port that the signature looks at, else the first of the application's."""
    target = parse(patch.signatures[0]).target_ports
    return int(target) if target.isdecimal() else ports[0]


def http_request(text: str) -> bytes:
    """The request that the short form stands for."""
    head, _, body = _REPEATED.sub(lambda found: found[1] * int(found[2]), text).partition("\n\n")
    line, *headers = head.strip("\n").split("\n")
    content = body.removesuffix("\n").encode("latin-1")
    names = {header.partition(":")[0].strip().lower() for header in headers}
    if "host" not in names:
        headers.insert(0, "Host: target.example")
    if "content-length" not in names and (content or line.split(" ")[0] in ("POST", "PUT")):
        headers.append(f"Content-Length: {len(content)}")
    return "\r\n".join([f"{line} HTTP/1.1", *headers, "", ""]).encode("latin-1") + content
