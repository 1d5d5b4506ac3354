"""Which rules a host needs, worked out the slow and obvious way: every rule against everything on the host.

It shares nothing with the engine but the rules' own data: versions are compared by dpkg itself, by `packaging`, and by
a comparison written here.
"""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatchcase
from functools import cache

from packaging.version import InvalidVersion, Version

from sakimori.protect.catalogue.reading import Catalogue
from sakimori.protect.catalogue.rules import Affected, VirtualPatch, When
from sakimori.protect.host import Host


def needed(host: Host, catalogue: Catalogue) -> set[int]:
    found = {patch.id for patch in catalogue.patches.values() if _needs_patch(host, patch)}
    for kind in (catalogue.integrity, catalogue.logs):
        for rule in kind.values():
            if rule.os in ("any", host.os) and _is_of_use(host, rule.when, catalogue):
                found.add(rule.id)
    while True:
        more = set(found)
        for kind in (catalogue.patches, catalogue.logs):
            for rule_id in found & kind.keys():
                more.update(kind[rule_id].requires)
        if more == found:
            return found
        found = more


def _needs_patch(host: Host, patch: VirtualPatch) -> bool:
    if any(cve in host.vulnerabilities for cve in patch.cves):
        return True
    for entry in patch.affects:
        if entry.distribution and entry.distribution != host.distribution:
            continue
        for package in host.packages:
            if package.ecosystem == entry.ecosystem:
                if _same(entry, package.name) and _inside(entry, package.version):
                    return True
                source = package.source_version or package.version
                if package.source and _same(entry, package.source) and _inside(entry, source):
                    return True
        for service in host.services:
            if entry.ecosystem == "generic" and _same(entry, service.product) and _inside(entry, service.version):
                return True
    return False


def _same(entry: Affected, name: str) -> bool:
    if entry.ecosystem == "pypi":
        return entry.package.lower().replace("_", "-").replace(".", "-") == name.lower().replace("_", "-").replace(
            ".", "-"
        )
    if entry.ecosystem in ("maven", "golang", "npm", "gem"):
        return entry.package == name
    return entry.package.lower() == name.lower()


def _inside(entry: Affected, version: str) -> bool:
    if version == "":
        return True
    if entry.since not in ("", "0") and older(entry.ecosystem, version, entry.since):
        return False
    if entry.last and older(entry.ecosystem, entry.last, version):
        return False
    return entry.fixed == "" or older(entry.ecosystem, version, entry.fixed)


@cache
def older(ecosystem: str, left: str, right: str) -> bool:
    """Whether `left` is older than `right`."""
    if ecosystem == "deb":
        return subprocess.run(["dpkg", "--compare-versions", left, "lt", right], check=False).returncode == 0
    if ecosystem == "pypi":
        try:
            return Version(left) < Version(right)
        except InvalidVersion:
            return False
    return _walk(left, right) < 0


def _walk(left: str, right: str) -> int:
    """Numbers by size; a word before a release is less than nothing, any other word more."""
    a, b = (re.findall(r"\d+|[a-z]+", text.lower()) for text in (left, right))
    epochs = [int(text.partition(":")[0]) if ":" in text else 0 for text in (left, right)]
    if epochs[0] != epochs[1]:
        return epochs[0] - epochs[1]
    if ":" in left + right:
        a, b = (parts[1:] if ":" in text else parts for parts, text in ((a, left), (b, right)))
    for at in range(max(len(a), len(b))):
        one, two = (parts[at] if at < len(parts) else None for parts in (a, b))
        if one == two:
            continue
        ranks = [_rank(one), _rank(two)]
        if ranks[0] != ranks[1]:
            return -1 if ranks[0] < ranks[1] else 1
    return 0


def _rank(piece: str | None) -> tuple[int, int, str]:
    if piece is None or piece.strip("0") == "":
        return (1, 0, "")
    if piece.isdigit():
        return (3, int(piece), "")
    return (0 if piece in ("alpha", "beta", "rc") else 2, 0, piece)


def _is_of_use(host: Host, when: When, catalogue: Catalogue) -> bool:
    if when.always:
        return True
    names = {name for package in host.packages for name in (package.name, package.source)}
    if any(name in names for name in when.packages):
        return True
    if any(fnmatchcase(path, pattern) for path in host.files for pattern in when.files):
        return True
    for name in when.applications:
        kind = catalogue.applications[name]
        if any(s.port in kind.ports and s.protocol in kind.protocol.split("-") for s in host.services):
            return True
    return False
