"""A file a page: `PAGES` are what it shows, `ACTS` what can be done from it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from sakimori.console.page import Act, Page

NAMES = ("runs", "approvals", "dead_letters", "findings")
"""In the order of the navigation. A new page is a file here, and its name there."""


def pages() -> Iterator[Page]:
    """All pages."""
    for name in NAMES:
        yield from import_module(f"{__name__}.{name}").PAGES


def acts() -> Iterator[Act]:
    """All acts."""
    for name in NAMES:
        yield from import_module(f"{__name__}.{name}").ACTS
