"""The rules of a run: our pack and the user's folders, loaded once and kept compiled under the hash of their text.

A rule that cannot be used is an error that the run reports; the other rules still load.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from sakimori import __version__
from sakimori.detect import ir
from sakimori.detect.cache import put_aside
from sakimori.detect.correlation import chain_of

if TYPE_CHECKING:
    from sakimori.detect.sigma import Filter

PACK = Path(__file__).parent / "rules"
LONGEST_CHAIN = 16
"""Correlations that may refer to each other, one through the other."""

FORMAT = 5
"""Raised whenever what the cache holds would be read differently."""


class Problem(msgspec.Struct, frozen=True, order=True):
    """A rule that is not in use: `path:line: reason`. One that is about another log is no error."""

    path: str
    line: int
    reason: str
    is_error: bool = True

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.reason}"


class _Loaded(msgspec.Struct):
    rules: list[ir.Rule]
    correlations: list[ir.Correlation]
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Rules in a stable order, correlations whose references resolve, and what is not in use.

    `matcher` is where what was compiled of just these rules may be kept.
    """

    rules: tuple[ir.Rule, ...]
    correlations: tuple[ir.Correlation, ...] = ()
    problems: tuple[Problem, ...] = ()
    metas: Mapping[str, ir.Meta] = field(default_factory=dict)
    matcher: Path | None = field(default=None, compare=False)

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.is_error]

    def only(self, wanted: Iterable[str]) -> Rulebook:
        """The rulebook of just these rules (by id) and the ones that they refer to."""
        ids = set(wanted)
        correlations = tuple(
            msgspec.structs.replace(each, reports=each.meta.id in ids) for each in chain_of(self.correlations, ids)
        )
        bases = {rule for correlation in correlations for rule in correlation.rules}
        rules = tuple(
            msgspec.structs.replace(rule, reports=rule.meta.id in ids)
            for rule in self.rules
            if rule.meta.id in ids | bases
        )
        return _book(rules, correlations, self.problems)


def load(
    folders: Sequence[Path] = (),
    *,
    pack: bool = True,
    placeholders: Mapping[str, list[str]] | None = None,
    cache: Path | None = None,
) -> Rulebook:
    """Every rule of the pack and of these files and folders. Raises nothing for what is in them.

    What was loaded is kept in the folder `cache`, if one is given, and taken from there while no file changes.
    """
    files = [path for root in ([PACK] if pack else []) + list(folders) for path in _files(root)]
    texts = {path: _bytes(path) for path in files}
    digest = hashlib.sha256(msgspec.json.encode([__version__, FORMAT, placeholders]))
    for path, content in texts.items():
        digest.update(str(path).encode("utf-8", "surrogateescape") + b"\0" + (content or b"\0") + b"\0")
    place = cache / f"rules-{digest.hexdigest()[:32]}.msgpack" if cache else None
    loaded = _kept(place) if place else None
    if loaded is None:
        loaded = _read(files, placeholders or {})
        if place:
            _keep(place, loaded)
    book = _book(tuple(loaded.rules), tuple(loaded.correlations), tuple(loaded.problems))
    return replace(book, matcher=place.with_suffix(".matcher") if place else None)


def _files(root: Path) -> list[Path]:
    """The rule files under a folder; a folder that has none stands for itself, for the loader to name it."""
    if not root.is_dir():
        return [root]
    files = (path for path in root.rglob("*") if path.suffix.lower() in (".yml", ".yaml") and path.is_file())
    return sorted(files) or [root]


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None  # the loader names the file and the reason


def _kept(place: Path) -> _Loaded | None:
    try:
        return msgspec.msgpack.decode(place.read_bytes(), type=_Loaded)
    except (OSError, msgspec.MsgspecError):
        return None  # not there yet, or not whole: it is made again


def _keep(place: Path, loaded: _Loaded) -> None:
    with suppress(OverflowError):  # a rule with a number of more than 64 bits is read anew every time
        put_aside(place, msgspec.msgpack.encode(loaded))


def _read(files: list[Path], placeholders: Mapping[str, list[str]]) -> _Loaded:
    from sakimori.detect.rule_lines import RuleError
    from sakimori.detect.sigma import Filter, Skipped, load_file

    rules: dict[str, ir.Rule] = {}
    correlations: dict[str, ir.Correlation] = {}
    problems: list[Problem] = []
    filters: list[Filter] = []
    for path in files:
        for loaded in load_file(path, placeholders):
            match loaded:
                case RuleError():
                    problems.append(Problem(loaded.path, loaded.line, loaded.reason))
                case Skipped():
                    problems.append(Problem(loaded.path, loaded.line, loaded.reason, is_error=False))
                case Filter():
                    filters.append(loaded)
                case ir.Rule():
                    rule_id = _unused(loaded.meta.id, rules.keys() | correlations.keys())
                    rules[rule_id] = msgspec.structs.replace(loaded, meta=_named(loaded.meta, rule_id))
                case ir.Correlation():
                    rule_id = _unused(loaded.meta.id, rules.keys() | correlations.keys())
                    correlations[rule_id] = msgspec.structs.replace(loaded, meta=_named(loaded.meta, rule_id))
    problems += _narrowed(rules, filters)
    return _resolved(rules, correlations, problems)


def _narrowed(rules: dict[str, ir.Rule], filters: Iterable[Filter]) -> list[Problem]:
    """Narrows the rules by the filters, each of which has to hold as well; what filters refer to that is not there."""
    missing = []
    places = _places(rules.values())
    for each in filters:
        for name in (name for name in each.rules if name not in places):
            reason = f"refers to {name}, which is not the name or id of a loaded rule over single records"
            missing.append(Problem(each.path, each.line, reason))
        for rule_id in {places[name] for name in each.rules if name in places} if each.rules else rules:
            condition = ir.And((rules[rule_id].condition, each.condition))
            rules[rule_id] = msgspec.structs.replace(rules[rule_id], condition=condition)
    return missing


def _places(rules: Iterable[ir.Rule | ir.Correlation]) -> dict[str, str]:
    """Everything that rules are called by -> the id."""
    places: dict[str, str] = {}
    for rule in rules:
        for name in (rule.meta.id, rule.meta.name, rule.meta.uuid):
            if name:
                places.setdefault(name, rule.meta.id)
    return places


def _unused(rule_id: str, taken: set[str]) -> str:
    """The id, with a number where two files have the same name."""
    found, number = rule_id, 1
    while found in taken:
        number += 1
        found = f"{rule_id}-{number}"
    return found


def _named(meta: ir.Meta, rule_id: str) -> ir.Meta:
    return msgspec.structs.replace(meta, id=rule_id)


def _resolved(rules: dict[str, ir.Rule], correlations: dict[str, ir.Correlation], problems: list[Problem]) -> _Loaded:
    """Correlations with their references (name, UUID or id) as ids; the rules they silence no longer report."""
    kept: list[ir.Correlation] = []
    silent: set[str] = set()
    loud: set[str] = set()
    usable, reasons = _usable(rules, correlations)
    problems += reasons
    places = _places([*rules.values(), *usable])
    for correlation in usable:
        referred = tuple(places[name] for name in correlation.rules)
        aliases = tuple(
            (alias, tuple((places.get(name, name), path) for name, path in mapping))
            for alias, mapping in correlation.aliases
        )
        expression = _with_ids(correlation.expression, places)
        kept.append(msgspec.structs.replace(correlation, rules=referred, aliases=aliases, expression=expression))
        (loud if correlation.generate else silent).update(referred)
    quiet = silent - loud
    reporting = [msgspec.structs.replace(rule, reports=rule_id not in quiet) for rule_id, rule in rules.items()]
    kept = [msgspec.structs.replace(each, reports=each.meta.id not in quiet) for each in kept]
    return _Loaded(reporting, kept, sorted(problems))


def _with_ids(expression: str | ir.Combined | None, places: Mapping[str, str]) -> str | ir.Combined | None:
    """The expression with ids in place of the names that rules are called by."""
    if isinstance(expression, str):
        return places[expression]
    if expression is None:
        return None
    parts: tuple[Any, ...] = tuple(_with_ids(part, places) for part in expression.parts)
    return ir.Combined(expression.op, parts)


def _usable(
    rules: Mapping[str, ir.Rule], correlations: Mapping[str, ir.Correlation]
) -> tuple[list[ir.Correlation], list[Problem]]:
    """The correlations whose references lead to rules, be it through others, and what is wrong with the rest."""
    left = dict(correlations)
    usable: list[ir.Correlation] = []
    for _ in range(LONGEST_CHAIN):
        places = _places([*rules.values(), *usable])
        ready = [each for each in left.values() if all(name in places for name in each.rules)]
        for each in ready:
            del left[each.meta.id]
        usable += [each for each in ready if not _unusable(each, places)]
    everything = _places([*rules.values(), *correlations.values()])
    final = _places([*rules.values(), *usable])
    problems = []
    in_use = {each.meta.id for each in usable}
    for correlation in (each for each in correlations.values() if each.meta.id not in in_use):
        missing = ", ".join(name for name in correlation.rules if name not in everything)
        circle = ", ".join(name for name in correlation.rules if name not in final)
        reason = f"refers to {missing}, which is not the name or id of a loaded rule" if missing else ""
        reason = reason or (f"refers to {circle}, which cannot be used, or in a circle" if circle else "")
        if not reason and correlation.meta.id in left:
            reason = f"refers to others through more than {LONGEST_CHAIN} in a row"
        reason = reason or _unusable(correlation, final)
        problems.append(Problem(correlation.meta.path, correlation.meta.line, reason))
    return [each for each in correlations.values() if each.meta.id in in_use], problems


def _unusable(correlation: ir.Correlation, places: Mapping[str, str]) -> str:
    """Why its references, which are all there, cannot be used, "" if they can."""
    referred = [places[name] for name in correlation.rules]
    if correlation.kind == "temporal_ordered" and len(set(referred)) < len(referred):
        return "an ordered correlation that names a rule twice is not supported"
    return ""


def _book(
    rules: tuple[ir.Rule, ...], correlations: tuple[ir.Correlation, ...], problems: tuple[Problem, ...]
) -> Rulebook:
    metas = {rule.meta.id: rule.meta for rule in rules}
    metas |= {correlation.meta.id: correlation.meta for correlation in correlations}
    return Rulebook(rules, correlations, problems, metas)
