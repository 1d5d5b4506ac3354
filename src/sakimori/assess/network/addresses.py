"""Addresses as numbers: ranges of CIDR blocks, and which of them are on the internet."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

Range = tuple[int, int]
"""The lowest and the highest address, both inside."""

V4, V6 = 4, 6

_NOT_ON_INTERNET = {
    # RFC 6890 and the IANA special-purpose address registries.
    V4: (
        "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
        "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3"
    ),
    V6: "2001::/23 2001:db8::/32 2002::/16 3fff::/20",
}


@lru_cache(maxsize=1 << 16)
def cidr(text: str) -> tuple[int, Range]:
    """The family and the range of a CIDR block or a single address. Raises ValueError."""
    network = ipaddress.ip_network(text.strip(), strict=False)
    return network.version, (int(network.network_address), int(network.broadcast_address))


def number(text: str) -> int:
    """An address as a number. Raises ValueError."""
    if ":" not in text:
        parts = text.split(".")
        if len(parts) == 4 and all(part.isascii() and part.isdigit() and int(part) < 256 for part in parts):
            return (int(parts[0]) << 24) | (int(parts[1]) << 16) | (int(parts[2]) << 8) | int(parts[3])
    return int(ipaddress.ip_address(text))


def text(value: int, family: int) -> str:
    if family == V4:
        return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.{value & 255}"
    return str(ipaddress.IPv6Address(value))


def range_text(span: Range, family: int) -> str:
    """One CIDR block if the range is one, else `lowest-highest`."""
    low, high = span
    width = high - low + 1
    if width & (width - 1) == 0 and low % width == 0:
        bits = 32 if family == V4 else 128
        return f"{text(low, family)}/{bits - width.bit_length() + 1}"
    return f"{text(low, family)}-{text(high, family)}"


def overlap(left: Iterable[Range], right: Iterable[Range]) -> tuple[Range, ...]:
    right = tuple(right)
    both = ((max(a[0], b[0]), min(a[1], b[1])) for a in left for b in right)
    return tuple(each for each in both if each[0] <= each[1])


def without(left: Iterable[Range], right: Iterable[Range]) -> tuple[Range, ...]:
    pieces = list(left)
    for low, high in right:
        kept: list[Range] = []
        for start, end in pieces:
            if start > high or end < low:
                kept.append((start, end))
                continue
            if start < low:
                kept.append((start, low - 1))
            if end > high:
                kept.append((high + 1, end))
        pieces = kept
    return tuple(sorted(pieces))


def inside(value: int, ranges: Iterable[Range]) -> bool:
    for low, high in ranges:  # noqa: SIM110 -- asked for every hop, and any() is three times as slow
        if low <= value <= high:
            return True
    return False


INTERNET: dict[int, tuple[Range, ...]] = {
    V4: without([cidr("0.0.0.0/0")[1]], (cidr(each)[1] for each in _NOT_ON_INTERNET[V4].split())),
    V6: without([cidr("2000::/3")[1]], (cidr(each)[1] for each in _NOT_ON_INTERNET[V6].split())),
}
"""The addresses that hosts on the internet have."""
