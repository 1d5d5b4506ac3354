"""Which of two versions is the newer, in each ecosystem's own order; the orders themselves are in `orders.py`.

`is_affected` is the one question that advisories and rules ask: does an installed version lie in an interval?
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

from sakimori.scan.packages import alpine, maven, orders

Ordering = Literal[-1, 0, 1]

_ORDERS: dict[str, Callable[[str], Any]] = {
    "deb": orders.dpkg,
    "rpm": orders.rpm,
    "apk": alpine.key,
    "pypi": orders.pep440,
    "npm": orders.semver,
    "golang": orders.semver,
    "cargo": orders.semver,
    "hex": orders.semver,
    "generic": orders.generic,
    "maven": maven.key,
    "gem": orders.rubygems,
    "nuget": orders.nuget,
    "composer": orders.composer,
    "pub": orders.pub,
    "cran": orders.numbers,
    "hackage": orders.numbers,
}
"""By the type in a package URL (`pkg:deb/debian/curl`). `generic` is a product that no package manager installed."""

ECOSYSTEMS = frozenset(_ORDERS)


def key(ecosystem: str, version: str) -> Any:
    """A value that sorts as the ecosystem sorts its versions; compare it only with others of the same ecosystem.

    Raises KeyError for an ecosystem that is not in ECOSYSTEMS. Any text is a version: what breaks an ecosystem's rules
    is sorted as that ecosystem's own tool does it.
    """
    return _cached(ecosystem, version)


@lru_cache(maxsize=65_536)
def _cached(ecosystem: str, version: str) -> Any:
    return _ORDERS[ecosystem](version)


def compare(ecosystem: str, left: str, right: str) -> Ordering:
    """-1 if `left` is older than `right`, 0 if they are the same version, 1 if it is newer."""
    a, b = key(ecosystem, left), key(ecosystem, right)
    if a == b:
        return 0
    return -1 if a < b else 1


def is_affected(ecosystem: str, version: str, introduced: str, fixed: str, last_affected: str = "") -> bool:
    """Whether introduced <= version < fixed, or <= last_affected where that is given ("" is open, as in OSV)."""
    found = key(ecosystem, version)
    if introduced not in ("", "0") and found < key(ecosystem, introduced):
        return False
    if fixed and not found < key(ecosystem, fixed):
        return False
    return not last_affected or not key(ecosystem, last_affected) < found
