"""What the items of port, IP and MAC lists must look like to mean something; what follows a `#` is a comment."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping

_MAC = re.compile(r"([0-9a-f]{2}[:-]){5}[0-9a-f]{2}", re.IGNORECASE)


def doubts(resource: str, items: list[str]) -> list[str]:
    """What nobody will be able to match, of the items of a list; they are kept as they are."""
    meant = _MEANT.get(resource)
    if meant is None:
        return []
    bare = [item.partition("#")[0].strip() for item in items]
    return [f"{item[:60]!r} is no {_WORDS[resource]}, and matches nothing" for item in bare if item and not meant(item)]


def _is_port(item: str) -> bool:
    """A port, or two with a `-` between."""
    ends = item.split("-")
    return len(ends) <= 2 and all(end.isascii() and end.isdigit() and int(end[:6]) <= 65_535 for end in ends)


def _is_address(item: str) -> bool:
    """An address, a network with a prefix or a mask, or two addresses with a `-` between."""
    try:
        if "-" in item:
            return len([ipaddress.ip_address(end.strip()) for end in item.split("-")]) == 2
        ipaddress.ip_network(item, strict=False)
    except ValueError:
        return False
    return True


def _is_mac(item: str) -> bool:
    return _MAC.fullmatch(item) is not None


_MEANT: Mapping[str, Callable[[str], bool]] = {"portlists": _is_port, "iplists": _is_address, "maclists": _is_mac}
_WORDS = {"portlists": "port", "iplists": "IP address", "maclists": "MAC address"}
