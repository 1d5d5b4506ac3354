"""Reads the catalogue: every file against its schema, then what must hold between rules. Errors name file and line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
import yaml

from sakimori.protect.catalogue.rules import (
    ApplicationType,
    FirewallTemplate,
    IntegrityRule,
    LogRule,
    Rule,
    VirtualPatch,
    WebCategory,
)

DATA = Path(__file__).parent / "data"

T = TypeVar("T")


class CatalogueError(ValueError):
    """A file of the catalogue that cannot be used: `path:line: reason`."""

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}:{line}: {reason}")
        self.path, self.line, self.reason = path, line, reason


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All rules, each kind by id."""

    patches: Mapping[int, VirtualPatch]
    integrity: Mapping[int, IntegrityRule]
    logs: Mapping[int, LogRule]
    firewall: Mapping[int, FirewallTemplate]
    web: Mapping[int, WebCategory]
    applications: Mapping[str, ApplicationType]

    @cached_property
    def by_cve(self) -> Mapping[str, tuple[VirtualPatch, ...]]:
        """The virtual patches that name exactly this CVE, in the order of their ids."""
        found: dict[str, list[VirtualPatch]] = {}
        for patch in self.patches.values():
            for cve in patch.cves:
                found.setdefault(cve, []).append(patch)
        return {cve: tuple(patches) for cve, patches in found.items()}

    def rule(self, wanted: str) -> Rule | None:
        """The rule with this id or slug."""
        for kind in (self.patches, self.integrity, self.logs):
            for rule_id, rule in kind.items():
                if wanted in (str(rule_id), rule.slug):
                    return rule
        return None


@lru_cache(maxsize=4)
def load(folder: Path = DATA) -> Catalogue:
    """The catalogue in a folder. Raises CatalogueError at the first thing that is wrong."""
    applications = _table(folder / "application_types.yml", dict[str, ApplicationType])
    catalogue = Catalogue(
        patches=_rules(folder / "intrusion_prevention", VirtualPatch),
        integrity=_rules(folder / "integrity_monitoring", IntegrityRule),
        logs=_rules(folder / "log_inspection", LogRule),
        firewall=_by_id(folder / "firewall.yml", _table(folder / "firewall.yml", list[FirewallTemplate])),
        web=_by_id(folder / "web_reputation.yml", _table(folder / "web_reputation.yml", list[WebCategory])),
        applications=MappingProxyType(applications),
    )
    for path, keys, reason in _inconsistencies(catalogue, folder):
        raise CatalogueError(path, _line(path.read_text(encoding="utf-8"), keys), reason)
    return catalogue


def _rules(folder: Path, kind: Callable[..., T]) -> Mapping[int, T]:
    found: dict[int, Any] = {}
    for path in sorted(folder.glob("*.yml")):
        rule: Any = msgspec.structs.replace(_table(path, kind), slug=path.stem)
        if rule.id in found:
            line = _line(path.read_text(encoding="utf-8"), ("id",))
            raise CatalogueError(path, line, f"id {rule.id} is that of {found[rule.id].slug}.yml: ids are never shared")
        found[rule.id] = rule
    return MappingProxyType(dict(sorted(found.items())))


def _by_id(path: Path, rows: Iterable[T]) -> Mapping[int, T]:
    found: dict[int, T] = {}
    for number, row in enumerate(rows):
        row_id: int = row.id  # type: ignore[attr-defined]  # every kind of row has one
        if row_id in found:
            line = _line(path.read_text(encoding="utf-8"), (number, "id"))
            raise CatalogueError(path, line, f"id {row_id} is used twice: ids are never shared")
        found[row_id] = row
    return MappingProxyType(found)


def _table(path: Path, kind: Any) -> Any:
    text = path.read_text(encoding="utf-8")
    try:
        content = yaml.load(text, Loader=yaml.CSafeLoader)  # it is the safe loader, compiled
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise CatalogueError(path, line, f"is not YAML: {error.problem}") from None
    try:
        return msgspec.convert(content, kind, strict=True)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$")
        keys = _keys(place.rstrip("`"))
        hint = '; put it in quotes: "2.0"' if "Expected `str`, got `float`" in reason else ""
        shown = ".".join(map(str, keys)) or "the file"
        raise CatalogueError(path, _line(text, keys), f"{shown}: {reason}{hint}") from None


def _keys(place: str) -> tuple[str | int, ...]:
    """`.affects[0].fixed` -> ("affects", 0, "fixed")."""
    found = re.findall(r"\.([A-Za-z_]+)|\[(\d+)\]", place)
    return tuple(name or int(index) for name, index in found)


def _line(text: str, keys: Iterable[str | int]) -> int:
    """The line of the value under these nested keys, or of its nearest ancestor that is there."""
    node: Any = yaml.compose(text, Loader=yaml.CSafeLoader)
    line = 1
    for key in keys:
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == key), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
            node = node.value[key]
            line = node.start_mark.line + 1
    return int(line)


def _inconsistencies(catalogue: Catalogue, folder: Path) -> Iterable[tuple[Path, tuple[str | int, ...], str]]:
    """What no single file can tell: file, keys, reason."""
    from sakimori.protect.catalogue import signature
    from sakimori.scan.packages.versions import ECOSYSTEMS

    for patch in catalogue.patches.values():
        path = folder / "intrusion_prevention" / f"{patch.slug}.yml"
        if patch.application not in catalogue.applications:
            yield path, ("application",), f"there is no application type {patch.application!r} in application_types.yml"
        for number, affected in enumerate(patch.affects):
            if affected.ecosystem not in ECOSYSTEMS:
                yield path, ("affects", number, "ecosystem"), f"there is no ecosystem {affected.ecosystem!r}"
        for required in patch.requires:
            if required not in catalogue.patches or required == patch.id:
                yield path, ("requires",), f"it requires rule {required}, which is not another virtual patch"
        for number, text in enumerate(patch.signatures):
            if problem := signature.problem(text, sid=patch.sid(number), message=patch.name):
                yield path, ("signatures", number), problem
    watching: tuple[tuple[str, Iterable[IntegrityRule | LogRule]], ...] = (
        ("integrity_monitoring", catalogue.integrity.values()),
        ("log_inspection", catalogue.logs.values()),
    )
    for kind, rules in watching:
        for rule in rules:
            unknown = [name for name in rule.when.applications if name not in catalogue.applications]
            if unknown:
                yield folder / kind / f"{rule.slug}.yml", ("when", "applications"), f"unknown: {', '.join(unknown)}"
    for log in catalogue.logs.values():
        yield from ((folder / "log_inspection" / f"{log.slug}.yml", *found) for found in _log_problems(log, catalogue))


def _log_problems(rule: LogRule, catalogue: Catalogue) -> Iterable[tuple[tuple[str | int, ...], str]]:
    import re2

    try:
        re2.compile(rule.pattern)
    except re2.error as error:
        yield ("pattern",), f"is no RE2 pattern: {error}"
    if (rule.frequency is None) != (rule.timeframe is None):
        yield ("frequency",), "a frequency needs a timeframe, and a timeframe a frequency"
    for required in rule.requires:
        if required not in catalogue.logs or required == rule.id:
            yield ("requires",), f"it requires rule {required}, which is not another log inspection rule"
