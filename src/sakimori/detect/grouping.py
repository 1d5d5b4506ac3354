"""Matches -> findings: repeats of one rule by one actor on one asset within a day are one finding.

The window is the UTC day, not a span after the first match: so the same records give the same findings, in whatever
order and in however many runs they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sakimori.detect.ir import Meta
from sakimori.detect.sighting import Sighting
from sakimori.detect.spool import Spool
from sakimori.model.finding import Finding, finding_uid


class Key(NamedTuple):
    """What makes two matches the same finding."""

    rule: str
    account: str
    region: str
    actor: str
    asset: str
    day: str


class Group:
    """The matches of one key: (time, record id) of each, and what the earliest of them looked like."""

    __slots__ = ("first", "matched", "seen", "source_ip")

    def __init__(self, moment: tuple[str, str], source_ip: str, matched: Mapping[str, Any]) -> None:
        self.seen = [moment]
        self.first, self.source_ip, self.matched = moment, source_ip, matched

    def __getstate__(self) -> tuple[Any, ...]:
        return self.seen, self.first, self.source_ip, self.matched

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.seen, self.first, self.source_ip, self.matched = state

    def merge(self, other: Group) -> None:
        self.seen += other.seen
        if other.first < self.first:
            self.first, self.source_ip, self.matched = other.first, other.source_ip, other.matched


GROUP_WEIGHT = 6
"""A group takes about as much memory as so many of its matches."""

HELD = 600_000
"""Matches (and groups, by weight) held in memory, about 150 MB; then they are written aside, sorted."""


class Groups:
    """Matches under their keys. Adding costs a dictionary look-up; what was matched is asked for only when needed."""

    def __init__(self) -> None:
        self._groups: dict[Key, Group] = {}
        self._weight = 0
        self._aside: Spool[Key, Group] = Spool()

    def __getstate__(self) -> dict[Key, Group]:
        return self._groups

    def __setstate__(self, groups: dict[Key, Group]) -> None:
        self.__init__()  # type: ignore[misc]  # a worker's groups, which were never written aside
        self._groups = groups

    def add(self, rule: str, seen: Sighting, asset: str, matched: Callable[[], Mapping[str, Any]]) -> None:
        key = Key(rule, seen.account, seen.region, seen.actor, asset, seen.time[:10])
        moment = (seen.time, seen.record_id)
        group = self._groups.get(key)
        if group is None:
            self._groups[key] = Group(moment, seen.source_ip, matched())
        elif moment < group.first:
            group.merge(Group(moment, seen.source_ip, matched()))
        else:
            group.seen.append(moment)

    def merge(self, other: Groups) -> None:
        """Takes another's groups in; the other is used up."""
        for key, group in other._groups.items():
            self._weight += len(group.seen)
            if key in self._groups:
                self._groups[key].merge(group)
            else:
                self._groups[key] = group
                self._weight += GROUP_WEIGHT
        if self._weight > HELD:
            self._aside.write(self._groups.items())
            self._groups, self._weight = {}, 0

    @property
    def are_aside(self) -> bool:
        """Whether some of the groups had to be written aside."""
        return bool(self._aside)

    def findings(self, rules: Mapping[str, Meta]) -> Iterator[Finding]:
        """One finding a group: in the order of their first records, or by rule where there were too many to sort so."""
        for key, group in self._ordered():
            yield finding(rules[key.rule], key, set(group.seen), group.source_ip, group.matched)

    def _ordered(self) -> Iterable[tuple[Key, Group]]:
        if not self._aside:
            return sorted(self._groups.items(), key=lambda item: (item[1].first, item[0]))
        return _united(self._aside.merged(self._groups.items()))


def _united(ordered: Iterator[tuple[Key, Group]]) -> Iterator[tuple[Key, Group]]:
    for key, parts in groupby(ordered, key=itemgetter(0)):
        whole: Group | None = None
        for _, part in parts:
            if whole is None:
                whole = part
            else:
                whole.merge(part)
        if whole is not None:
            yield key, whole


def finding(
    meta: Meta, key: Key, seen: Iterable[tuple[str, str]], source_ip: str, matched: Mapping[str, Any]
) -> Finding:
    """The finding of a rule for the records `seen`, each (time, record id) once, at least one."""
    moments = sorted(seen)
    return Finding(
        uid=finding_uid(key.rule, key.account, key.region, key.asset, f"{key.actor}|{key.day}"),
        rule=key.rule,
        title=meta.title,
        severity=meta.severity,
        tactics=meta.tactics,
        techniques=meta.techniques,
        account=key.account,
        region=key.region,
        actor=key.actor,
        source_ip=source_ip,
        asset=key.asset,
        count=len(moments),
        first_seen=moments[0][0],
        last_seen=moments[-1][0],
        records=tuple(record_id for _, record_id in moments),
        matched=matched,
        description=meta.description,
        times=tuple(time for time, _ in moments),
    )
