"""Which items of port, IP and MAC lists mean something."""

from __future__ import annotations

import pytest

from sakimori.protect.list_items import doubts


@pytest.mark.parametrize(
    ("resource", "items"),
    [
        ("portlists", ["0", "80", "65535", "1-1024", "8080 # the proxy", "# all of it a comment", ""]),
        (
            "iplists",
            ["10.0.0.1", "10.0.0.0/8", "10.1.2.3/8", "10.0.0.0/255.0.0.0", "10.0.0.1-10.0.0.9", "::1", "fd00::/8"],
        ),
        ("iplists", ["fd00::1 - fd00::9", "192.0.2.7# no space"]),
        ("maclists", ["01:23:45:67:89:ab", "01-23-45-67-89-AB"]),
        ("directorylists", ["anything", "<at all>"]),
    ],
)
def test_what_means_something_is_not_doubted(resource: str, items: list[str]) -> None:
    assert doubts(resource, items) == []


@pytest.mark.parametrize(
    ("resource", "item", "what"),
    [
        ("portlists", "65536", "port"),
        ("portlists", "-1", "port"),
        ("portlists", "1-2-3", "port"),
        ("portlists", "http", "port"),
        ("portlists", "\u0661", "port"),
        ("portlists", "9" * 5_000, "port"),
        ("iplists", "10.0.0.256", "IP address"),
        ("iplists", "10.0.0.0/33", "IP address"),
        ("iplists", "10.0.0.1-", "IP address"),
        ("iplists", "example.com", "IP address"),
        ("maclists", "01:23:45:67:89", "MAC address"),
        ("maclists", "01:23:45:67:89:ag", "MAC address"),
    ],
)
def test_what_matches_nothing_is_named(resource: str, item: str, what: str) -> None:
    good = {"portlists": "80", "iplists": "10.0.0.1", "maclists": "01:23:45:67:89:ab"}[resource]
    assert doubts(resource, [good, item]) == [f"{item[:60]!r} is no {what}, and matches nothing"]
