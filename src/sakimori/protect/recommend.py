"""Which rules a host needs, and which of those that it has it does not need.

A virtual patch fits a host that has an affected version of its package or product, or one of its CVEs by a scanner's
word; an integrity or log rule fits where what it watches is there. With a rule come those that it requires. What could
not be listed on the host is never taken for absent: then nothing is unassigned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase, translate
from functools import lru_cache

from sakimori.protect.catalogue.reading import Catalogue
from sakimori.protect.catalogue.rules import Affected, IntegrityRule, LogRule, VirtualPatch, When
from sakimori.protect.host import Host, package_key
from sakimori.scan.packages import versions


@dataclass(frozen=True, slots=True)
class Fitting:
    """The ids of all rules that fit a host, each with the reason; `not_evaluated` says what was not looked at."""

    reasons: Mapping[int, str]
    not_evaluated: Mapping[str, str] = field(default_factory=dict)

    @property
    def rules(self) -> frozenset[int]:
        return frozenset(self.reasons)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to change, so that a host has the catalogue's rules that fit it and no others of them."""

    assign: frozenset[int]
    unassign: frozenset[int]
    reasons: Mapping[int, str]
    not_evaluated: Mapping[str, str]


def recommend(host: Host, catalogue: Catalogue, assigned: Iterable[int] = ()) -> Recommendation:
    """What to assign and to unassign, of all kinds of rules. Rules that are not the catalogue's are left alone."""
    fits = fitting(host, catalogue)
    present = frozenset(assigned)
    ours = catalogue.patches.keys() | catalogue.integrity.keys() | catalogue.logs.keys()
    unneeded = frozenset() if fits.not_evaluated else (present & ours) - fits.rules
    return Recommendation(fits.rules - present, unneeded, fits.reasons, fits.not_evaluated)


def fitting(host: Host, catalogue: Catalogue) -> Fitting:
    """All rules that fit the host, assigned or not."""
    reasons: dict[int, str] = {}
    for patch_id, reason in _patches(host, catalogue):
        reasons.setdefault(patch_id, reason)
    watching: tuple[IntegrityRule | LogRule, ...] = (*catalogue.integrity.values(), *catalogue.logs.values())
    sought = _sought_files(catalogue)
    files = tuple(path for path in host.files if sought.match(path))
    names = frozenset(name for package in host.packages for name in (package.name, package.source))
    for rule in watching:
        if rule.os in ("any", host.os) and (reason := _fits(rule.when, host, names, files, catalogue)):
            reasons[rule.id] = reason
    return Fitting(_with_required(reasons, catalogue), host.not_evaluated)


def _patches(host: Host, catalogue: Catalogue) -> Iterator[tuple[int, str]]:
    """(id, reason), a rule once for each thing that calls for it."""
    affected = _affected(catalogue)
    for ecosystem, name, version in _installed(host):
        for patch, entry in affected.get(package_key(ecosystem, name), ()):
            if entry.distribution in ("", host.distribution) and _is_affected(entry, version):
                fixed = f"fixed in {entry.fixed}" if entry.fixed else "not fixed"
                yield patch.id, f"{name} {version or '(version unknown)'} has {', '.join(patch.cves)}, {fixed}"
    for cve in sorted(host.vulnerabilities):
        for patch in catalogue.by_cve.get(cve, ()):
            yield patch.id, f"a scanner found {cve} on the host"


def _installed(host: Host) -> Iterator[tuple[str, str, str]]:
    """(ecosystem, name, version) of all that is installed, by every name that an advisory may use, or listens."""
    for package in host.packages:
        yield package.ecosystem, package.name, package.version
        if package.source and package.source != package.name:
            yield package.ecosystem, package.source, package.source_version or package.version
    for service in host.services:
        if service.product:
            yield "generic", service.product, service.version


def _is_affected(entry: Affected, version: str) -> bool:
    """An unknown version is not taken for a fixed one."""
    return not version or versions.is_affected(entry.ecosystem, version, entry.since, entry.fixed, entry.last)


@lru_cache(maxsize=4)
def _affected(catalogue: Catalogue) -> Mapping[tuple[str, str], tuple[tuple[VirtualPatch, Affected], ...]]:
    """The virtual patches by the packages that they are for."""
    found: dict[tuple[str, str], list[tuple[VirtualPatch, Affected]]] = {}
    for patch in catalogue.patches.values():
        for entry in patch.affects:
            found.setdefault(package_key(entry.ecosystem, entry.package), []).append((patch, entry))
    return {key: tuple(entries) for key, entries in found.items()}


@lru_cache(maxsize=4)
def _sought_files(catalogue: Catalogue) -> re.Pattern[str]:
    """What any rule's file pattern means: of a host's many files, few are asked about one by one."""
    rules: tuple[IntegrityRule | LogRule, ...] = (*catalogue.integrity.values(), *catalogue.logs.values())
    patterns = sorted({pattern for rule in rules for pattern in rule.when.files})
    return re.compile("|".join(map(translate, patterns)) or r"(?!)")


def _fits(when: When, host: Host, names: frozenset[str], files: tuple[str, ...], catalogue: Catalogue) -> str:
    """Why a rule is of use on a host, "" if it is not."""
    if when.always:
        return f"every {host.os} host has what it watches"
    for name in when.packages:
        if name in names:
            return f"{name} is installed"
    for pattern in when.files:
        for path in files:
            if fnmatchcase(path, pattern):
                return f"{path} is there"
    for kind in when.applications:
        application = catalogue.applications[kind]
        for service in host.services:
            if service.port in application.ports and service.protocol in application.protocol:
                return f"port {service.port} is open ({application.name})"
    return ""


def _with_required(reasons: dict[int, str], catalogue: Catalogue) -> dict[int, str]:
    """The rules with all that they build upon."""
    found, waiting = dict(reasons), list(reasons)
    while waiting:
        rule_id = waiting.pop()
        rule: VirtualPatch | LogRule | IntegrityRule | None = catalogue.patches.get(rule_id) or catalogue.logs.get(
            rule_id
        )
        for required in rule.requires if isinstance(rule, VirtualPatch | LogRule) else ():
            if required not in found:
                found[required] = f"rule {rule_id} requires it"
                waiting.append(required)
    return found
