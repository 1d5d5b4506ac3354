"""Matches -> findings: repeats of one rule by one actor on one asset within a day are one finding.

The window is the UTC day, not a span after the first match: so the same records give the same findings, in whatever
order and in however many runs they are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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

_Sent = tuple[Key, list[Moment], Moment, str, Mapping[str, Any]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Sent]).decode


class Group:
    """The matches of one key: (time, record id) of each, and what the earliest of them looked like."""

    __slots__ = ("first", "matched", "seen", "source_ip")

    def __init__(self, moment: Moment, source_ip: str, matched: Mapping[str, Any]) -> None:
        self.seen = [moment]
        self.first, self.source_ip, self.matched = moment, source_ip, matched

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

    def __getstate__(self) -> bytes | list[_Sent]:
        """What goes from a worker to its parent, which was never written aside."""
        sent = [(key, group.seen, group.first, group.source_ip, group.matched) for key, group in self._groups.items()]
        try:
            return _encode(sent)
        except (UnicodeEncodeError, OverflowError):  # half surrogates, numbers past 64 bits
            return sent

    def __setstate__(self, sent: bytes | list[_Sent]) -> None:
        self.__init__()  # type: ignore[misc]
        for key, seen, first, source_ip, matched in _decode(sent) if isinstance(sent, bytes) else sent:
            group = self._groups[key] = Group(first, source_ip, matched)
            group.seen = seen

    def add(self, rule: str, seen: Sighting, asset: str, matched: Callable[[], Mapping[str, Any]]) -> None:
        key = (rule, seen.account, seen.region, seen.actor, asset, seen.time[:10])
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
        """One finding a group: by rule where they did not fit in memory, else as they came."""
        groups = _united(self._aside.merged(self._groups.items())) if self._aside else self._groups.items()
        for key, group in groups:
            yield finding(rules[key[0]], key, group.seen, group.source_ip, group.matched)

    def reported(self, rules: Mapping[str, Meta]) -> Reported:
        """The findings, to be made where they are wanted."""
        return Reported(self, {key[0]: rules[key[0]] for key in self._groups})

    def __len__(self) -> int:
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
    moments = sorted(set(seen)) if len(seen) > 1 else seen
    return Finding(
        uid=finding_uid(rule, account, region, asset, f"{actor}|{day}"),
        rule=rule,
        title=meta.title,
        severity=meta.severity,
        tactics=meta.tactics,
        techniques=meta.techniques,
        account=account,
        region=region,
        actor=actor,
        source_ip=source_ip,
        asset=asset,
        count=len(moments),
        first_seen=moments[0][0],
        last_seen=moments[-1][0],
        records=tuple(record_id for _, record_id in moments),
        matched=matched,
        description=meta.description,
        times=tuple(time for time, _ in moments),
    )
