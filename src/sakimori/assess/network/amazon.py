"""Which addresses of the internet are AWS's: nobody else's hosts can have them."""

from __future__ import annotations

from sakimori.assess.network.addresses import V4, V6, Range, cidr, inside

_BLOCKS = (
    "3.0.0.0/8 13.48.0.0/15 13.52.0.0/14 13.56.0.0/14 13.112.0.0/14 13.124.0.0/14 13.224.0.0/14 13.228.0.0/14 "
    "18.32.0.0/11 18.128.0.0/9 34.192.0.0/10 35.152.0.0/13 35.160.0.0/12 35.176.0.0/13 44.192.0.0/10 46.137.0.0/16 "
    "50.16.0.0/14 50.112.0.0/16 52.0.0.0/10 52.64.0.0/12 52.192.0.0/11 54.64.0.0/11 54.144.0.0/12 54.160.0.0/11 "
    "54.192.0.0/10 63.32.0.0/14 75.101.128.0/17 100.20.0.0/14 100.24.0.0/13 107.20.0.0/14 174.129.0.0/16 "
    "184.72.0.0/15 184.169.128.0/17 204.236.128.0/17 2406:da00::/24 2600:1f00::/24 2a05:d000::/25"
)
"""The largest blocks that Amazon holds for AWS (the registries' entries). Smaller ones are left out: an address there
counts as anybody's."""

_RANGES: dict[int, tuple[Range, ...]] = {
    family: tuple(span for each, span in map(cidr, _BLOCKS.split()) if each == family) for family in (V4, V6)
}


def is_amazons(family: int, address: int) -> bool:
    return inside(address, _RANGES[family])
