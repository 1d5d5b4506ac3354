"""Matches -> findings: repeats of one rule by one actor on one asset within a day are one finding.

The window is the UTC day, not a span after the first match: so the same records give the same findings, in whatever
order and in however many runs they are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec

from sakimori.detect.ir import Meta
from sakimori.detect.sighting import Sighting
from sakimori.detect.spool import Spool
from sakimori.model.finding import Finding, finding_uid

Key = tuple[str, str, str, str, str, str]
"""What makes two matches the same finding: rule, account, region, actor, asset, day."""

Moment = tuple[str, str]
"""The time of a record, and its id."""


class Group(msgspec.Struct, array_like=True, gc=False):
    """The matches of one key: (time, record id) of each, and what the earliest of them looked like."""

    seen: list[Moment]
    first: Moment
    source_ip: str
    matched: dict[str, Any]

    def merge(self, other: Group) -> None:
        self.seen += other.seen
        if other.first < self.first:
            self.first, self.source_ip, self.matched = other.first, other.source_ip, other.matched


ReadyMatch = tuple[Key, Moment, str, dict[str, Any]]
"""A match as the kernel makes it ready: key, moment, source IP, the values that made the rule hold."""

Ready = list[ReadyMatch]
read_ready = msgspec.json.Decoder(Ready).decode

_Sent = list[tuple[Key, Group]]
_RULES = re.compile(rb'\[\["([^"]*)"')
"""Finds at least the ids of the rules in the JSON of ready matches."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Sent).decode

GROUP_WEIGHT = 6
"""A group takes about as much memory as so many of its matches."""

HELD = 600_000
"""Matches (and groups, by weight) held in memory, about 150 MB; then they are written aside, sorted."""


Matched = dict[str, Any] | Callable[[], dict[str, Any]]
"""The values that made a rule hold, or what gives them."""


def _asked(matched: Matched) -> dict[str, Any]:
    return matched() if callable(matched) else matched


class Groups:
    """Matches under their keys. Adding costs a dictionary look-up; what was matched is asked for only when needed."""

    def __init__(self) -> None:
        self._groups: dict[Key, Group] = {}
        self._ready: list[bytes] = []
        self._weight = 0
        self._aside: Spool[Key, Group] = Spool()

    def __getstate__(self) -> tuple[list[bytes], bytes | _Sent]:
        """What goes from a worker to its parent, which was never written aside."""
        sent = list(self._groups.items())
        try:
            return self._ready, _encode(sent)
        except (UnicodeEncodeError, OverflowError):  # half surrogates, numbers past 64 bits
            return self._ready, sent

    def __setstate__(self, state: tuple[list[bytes], bytes | _Sent]) -> None:
        self.__init__()  # type: ignore[misc]
        self._ready, sent = state
        self._groups = dict(_decode(sent) if isinstance(sent, bytes) else sent)

    def add(self, rule: str, seen: Sighting, asset: str, matched: Matched) -> None:
        key = (rule, seen.account, seen.region, seen.actor, asset, seen.time[:10])
        moment = (seen.time, seen.record_id)
        group = self._groups.get(key)
        if group is None:
            self._groups[key] = Group([moment], moment, seen.source_ip, _asked(matched))
        elif moment < group.first:
            group.merge(Group([moment], moment, seen.source_ip, _asked(matched)))
        else:
            group.seen.append(moment)

    def add_ready(self, told: Iterable[bytes]) -> None:
        """Adds matches that the kernel made ready, each of `told` the JSON of a Ready. They are read when needed."""
        self._ready += told

    def _read(self, told: list[bytes]) -> None:
        """Reads ready matches in, and empties `told`."""
        groups = self._groups
        for some in told:
            for key, moment, source_ip, matched in read_ready(some):
                group = groups.get(key)
                if group is None:
                    groups[key] = Group([moment], moment, source_ip, matched)
                    self._weight += 1 + GROUP_WEIGHT
                else:
                    group.merge(Group([moment], moment, source_ip, matched))
                    self._weight += 1
        told.clear()

    def merge(self, other: Groups) -> None:
        """Takes another's groups in; the other is used up."""
        groups = self._groups
        for key, group in other._groups.items():
            known = groups.setdefault(key, group)
            if known is not group:
                known.merge(group)
            self._weight += len(group.seen) + (GROUP_WEIGHT if known is group else 0)
        self._read(other._ready)
        if self._weight > HELD:
            self._aside.write(self._groups.items())
            self._groups, self._weight = {}, 0

    @property
    def are_aside(self) -> bool:
        """Whether some of the groups had to be written aside."""
        return bool(self._aside)

    def findings(self, rules: Mapping[str, Meta]) -> Iterator[Finding]:
        """One finding a group: by rule where they did not fit in memory, else as they came."""
        self._read(self._ready)
        groups = _united(self._aside.merged(self._groups.items())) if self._aside else self._groups.items()
        for key, group in groups:
            yield finding(rules[key[0]], key, group.seen, group.source_ip, group.matched)

    def reported(self, rules: Mapping[str, Meta]) -> Reported:
        """The findings, to be made where they are wanted."""
        ids = {rule.decode() for told in self._ready for rule in _RULES.findall(told)} & rules.keys()
        return Reported(self, {rule: rules[rule] for rule in ids.union(key[0] for key in self._groups)})

    def __len__(self) -> int:
        self._read(self._ready)
        return len(self._groups)


@dataclass(frozen=True, slots=True)
class Reported:
    """Findings that are on their way from a worker to its parent as the groups that they are made of."""

    groups: Groups
    rules: Mapping[str, Meta]

    def __iter__(self) -> Iterator[Finding]:
        return self.groups.findings(self.rules)

    def __len__(self) -> int:
        return len(self.groups)

    def __contains__(self, finding: object) -> bool:
        return finding in tuple(self)


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


def finding(meta: Meta, key: Key, seen: Sequence[Moment], source_ip: str, matched: Mapping[str, Any]) -> Finding:
    """The finding of a rule for the records `seen`, at least one."""
    rule, account, region, actor, asset, day = key
    if len(seen) == 1:
        times, records = (seen[0][0],), (seen[0][1],)
    else:
        times, records = zip(*sorted(set(seen)), strict=True)
    uid = finding_uid(rule, account, region, asset, f"{actor}|{day}")
    return Finding(  # by place: by name it would take twice as long
        *(uid, rule, meta.title, meta.severity, meta.tactics, meta.techniques, account, region, actor, source_ip),
        *(asset, len(records), times[0], times[-1], records, matched, meta.description, times),
    )
