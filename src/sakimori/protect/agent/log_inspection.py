"""Log inspection: which lines of a log a rule is about, and how often they come.

Patterns are RE2's, so that no line can make one slow. An inspector remembers between lines, and between files of the
same kind, what its rules with a frequency have counted.
"""

from __future__ import annotations

import fnmatch
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import re2

from sakimori.protect.agent.log_lines import written_at

LONGEST_LINE = 64 << 10
MOST_COUNTED = 10_000
"""Values that one rule counts at the same time; the one that was longest unseen is forgotten first."""

Rule = Mapping[str, Any]


class Hit(msgspec.Struct, frozen=True):
    """A rule that fired. `time` is in seconds since 1970; `values` are what the pattern's groups held."""

    rule: int
    level: int
    path: str
    line: int
    text: str
    time: float
    values: dict[str, str]
    count: int = 1


@dataclass(slots=True)
class _Compiled:
    id: int
    level: int
    pattern: Any
    literal: bool
    locations: tuple[str, ...]
    requires: tuple[int, ...]
    frequency: int
    seconds: float
    same: tuple[str, ...]
    counted: dict[tuple[str, ...], deque[float]] = field(default_factory=dict)


class Inspector:
    """Reads lines in the order in which they were written. `refused` are (rule ID, reason) of rules it cannot use."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.refused: list[tuple[int, str]] = []
        self._rules: list[_Compiled] = []
        for rule in rules:
            compiled = _compiled(rule)
            if isinstance(compiled, str):
                self.refused.append((rule["ID"], compiled))
            else:
                self._rules.append(compiled)
        self._by_path: dict[str, list[_Compiled]] = {}

    def locations(self) -> list[str]:
        """The shell patterns of all logs that the rules want to see."""
        return sorted({location for rule in self._rules for location in rule.locations})

    def inspect(self, path: str, lines: Iterable[str], *, first: int = 1) -> Iterator[Hit]:
        """The rules that fire on lines of the log at `path`; `first` is the number of the first of them."""
        rules = self._of(path)
        if not rules:
            return
        year, at = time.gmtime().tm_year, 0.0
        for number, line in enumerate(lines, start=first):
            text = line[:LONGEST_LINE].rstrip("\r\n")
            at = written_at(text, year) or at
            yield from self._line(rules, path, number, text, at)

    def _of(self, path: str) -> list[_Compiled]:
        """The rules for a log, those that others require first."""
        found = self._by_path.get(path)
        if found is None:
            fitting = [r for r in self._rules if any(fnmatch.fnmatchcase(path, where) for where in r.locations)]
            found = self._by_path[path] = sorted(fitting, key=lambda rule: (bool(rule.requires), rule.id))
        return found

    def _line(self, rules: list[_Compiled], path: str, number: int, text: str, at: float) -> Iterator[Hit]:
        matched: set[int] = set()
        for rule in rules:
            if not matched.issuperset(rule.requires):
                continue
            values = _values(rule, text)
            if values is None:
                continue
            matched.add(rule.id)
            count = _count(rule, values, at) if rule.frequency else 1
            if count:
                yield Hit(rule.id, rule.level, path, number, text[:2_000], at, values, count)


def _values(rule: _Compiled, text: str) -> dict[str, str] | None:
    """The groups of the pattern in the line; None if it is not in it."""
    if rule.literal:
        return {} if rule.pattern in text else None
    found = rule.pattern.search(text)
    if found is None:
        return None
    return {name: value for name, value in found.groupdict().items() if value is not None}


def _count(rule: _Compiled, values: Mapping[str, str], at: float) -> int:
    """How many lines made the rule fire with this one; 0 if there are not enough yet. Then counting begins anew."""
    key = tuple(values.get(name, "") for name in rule.same)
    times = rule.counted.pop(key, None) or deque(maxlen=rule.frequency)
    rule.counted[key] = times  # now the last to be forgotten
    if len(rule.counted) > MOST_COUNTED:
        del rule.counted[next(iter(rule.counted))]
    times.append(at)
    if len(times) < rule.frequency or at - times[0] > rule.seconds:
        return 0
    del rule.counted[key]
    return rule.frequency


def _compiled(rule: Rule) -> _Compiled | str:
    """The rule ready for use, or why it cannot be."""
    if rule.get("template") != "basic-rule":
        return "only basic rules are understood, not custom ones in XML"
    text = str(rule.get("pattern") or "")
    if not text:
        return "it has no pattern"
    pattern: Any = text
    literal = rule.get("patternType") == "string"
    if not literal:
        try:
            pattern = re2.compile(text)
        except re2.error as error:
            return f"its pattern is not RE2's: {error}"
    logs = (rule.get("logFiles") or {}).get("logFiles") or ()
    groups = () if literal else tuple(pattern.groupindex)
    depends = set(rule.get("dependsOnRuleIDs") or ())
    if rule.get("dependency") == "rule" and rule.get("dependencyRuleID"):
        depends.add(rule["dependencyRuleID"])
    return _Compiled(
        rule["ID"],
        int(rule.get("level") or 0),
        pattern,
        literal,
        tuple(str(log.get("location") or "") for log in logs),
        tuple(sorted(depends)),
        int(rule.get("frequency") or 0),
        float(rule.get("timeFrame") or 0),
        tuple(sorted(name for name in groups if name.startswith("same_"))),
    )
