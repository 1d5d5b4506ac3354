"""A host as rules see it: what is installed, what listens, which files are there. An agent or a scan describes it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from sakimori.protect.work import JobFailed


class Package(msgspec.Struct, frozen=True):
    """One installed package. Debian and RPM packages also have a source, by whose name advisories know them."""

    ecosystem: str
    name: str
    version: str
    source: str = ""
    source_version: str = ""


class Service(msgspec.Struct, frozen=True):
    """Something that listens. `product` and `version` are "" where only the port is known."""

    port: int
    protocol: str = "tcp"
    product: str = ""
    version: str = ""


class Host(msgspec.Struct, frozen=True):
    """`distribution` is like `debian-12`. `vulnerabilities` are CVEs that a scanner found on it.

    `not_evaluated` names the parts (`packages`, `services`, `files`) that could not be listed, with the reason.
    """

    os: str = "linux"
    distribution: str = ""
    packages: tuple[Package, ...] = ()
    services: tuple[Service, ...] = ()
    files: tuple[str, ...] = ()
    vulnerabilities: frozenset[str] = frozenset()
    not_evaluated: dict[str, str] = msgspec.field(default_factory=dict)


def described(description: Any) -> Host:
    """The host in a description (a JSON object). Raises JobFailed, saying which part of it is wrong."""
    try:
        return msgspec.convert(description, Host)
    except msgspec.ValidationError as error:
        raise JobFailed(f"the description of the host cannot be read: {error}") from None


def package_key(ecosystem: str, name: str) -> tuple[str, str]:
    """By what a package is looked up: names are written as each ecosystem compares them."""
    if ecosystem == "pypi":
        return ecosystem, re.sub(r"[-_.]+", "-", name).lower()
    return ecosystem, name.lower() if ecosystem in ("generic", "composer", "nuget", "deb", "rpm", "apk") else name
