"""Findings over several records: Sigma's correlations and our two, as windows over what single-record rules matched.

Everything here is a function of the set of matches, not of the order in which they were read. What happens in one group
on one day (the UTC day of an episode's last match) is one finding, so that more matches add to findings and leave their
identity alone. Matches in one second
have no order among them (CloudTrail's eventTime has none), so an ordered correlation takes them in any.
"""

from __future__ import annotations

import json
import operator
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from sakimori.detect import grouping
from sakimori.detect.ir import Combined, Correlation
from sakimori.detect.sighting import Sighting
from sakimori.detect.spool import Spool
from sakimori.model.finding import Finding, finding_uid


class Seen(NamedTuple):
    """One match of a rule that correlations refer to. `time` is in seconds; `fields` has what they ask for."""

    rule: str
    time: int
    sighting: Sighting
    asset: str
    fields: Mapping[str, str]


DAY = 86_400

Behind = tuple[Sequence[Seen], int, int]
"""The matches behind a correlation that was fulfilled: a stretch of them, from one index to before another."""

Episode = tuple[list[Seen], dict[str, str]]
"""The matches that together fulfil a correlation, by time, and what they have in common or add up to."""

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge, "eq": operator.eq, "neq": operator.ne,
}  # fmt: skip


def inner_first(correlations: Iterable[Correlation]) -> list[Correlation]:
    """The correlations, each behind those that it refers to, which must not refer to each other in a circle."""
    by_id = {correlation.meta.id: correlation for correlation in correlations}
    ordered: dict[str, Correlation] = {}

    def put(correlation: Correlation) -> None:
        if correlation.meta.id not in ordered:
            for rule in correlation.rules:
                if rule in by_id:
                    put(by_id[rule])
            ordered[correlation.meta.id] = correlation

    for correlation in by_id.values():
        put(correlation)
    return list(ordered.values())


def chain_of(correlations: Iterable[Correlation], wanted: Collection[str]) -> list[Correlation]:
    """The wanted correlations (by id) and all that they refer to, those first."""
    ids = set(wanted)
    chain = []
    for correlation in reversed(inner_first(correlations)):
        if correlation.meta.id in ids:
            ids.update(correlation.rules)
            chain.append(correlation)
    return chain[::-1]


def needed_fields(correlations: Iterable[Correlation]) -> dict[str, tuple[str, ...]]:
    """Rule id -> the field paths that correlations want of its matches, be it through other correlations."""
    needed: dict[str, set[str]] = defaultdict(set)
    for correlation in reversed(inner_first(correlations)):
        for rule in correlation.rules:
            needed[rule].update(_path(correlation, name, rule) for name in correlation.group_by)
            needed[rule].update(correlation.field)
            needed[rule].update(needed[correlation.meta.id])
    return {rule: tuple(sorted(paths)) for rule, paths in needed.items() if paths}


HELD = 300_000
"""Matches held in memory, about 200 MB; then they are written aside, sorted."""

Place = tuple[int, tuple[str, ...], int, int, str]
"""Where a match stands: correlation, group, time, the rule's place in the correlation, record id."""


class Correlator:
    """Takes matches in any order, each as often as it likes, and gives the findings of every correlation.

    A correlation that others refer to gives them a match of its own for each window that fulfils it, at the time of the
    window's last match and with that one's fields.
    """

    def __init__(self, correlations: Sequence[Correlation]) -> None:
        self._correlations = inner_first(correlations)
        self._users: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for index, correlation in enumerate(self._correlations):
            for order, rule in enumerate(dict.fromkeys(correlation.rules)):
                self._users[rule].append((index, order))
        self._held: list[tuple[Place, Seen]] = []
        self._aside: Spool[Place, Seen] = Spool()
        self._fired: dict[int, list[tuple[Place, Seen]]] = defaultdict(list)
        self._behind: dict[str, Behind] = {}

    def add(self, match: Seen) -> None:
        self._held += self._placed(match)
        if len(self._held) > HELD:
            self._aside.write(self._held)
            self._held = []

    def findings(self) -> Iterator[Finding]:
        """All findings, correlation by correlation, those that others refer to first."""
        by_correlation = groupby(self._aside.merged(self._held), key=lambda item: item[0][0])
        waiting = next(by_correlation, None)
        for index, correlation in enumerate(self._correlations):
            fired = sorted(self._fired.pop(index, ()), key=itemgetter(0))
            if waiting is not None and waiting[0] == index:
                yield from self._evaluated(correlation, merge(waiting[1], fired, key=itemgetter(0)))
                waiting = next(by_correlation, None)
            else:
                yield from self._evaluated(correlation, iter(fired))

    def _placed(self, match: Seen) -> Iterator[tuple[Place, Seen]]:
        """A match where it stands in each correlation that refers to its rule."""
        for index, order in self._users.get(match.rule, ()):
            if (group := _group(self._correlations[index], match)) is not None:
                yield (index, group, match.time, order, match.sighting.record_id), match

    def _evaluated(self, correlation: Correlation, ordered: Iterator[tuple[Place, Seen]]) -> Iterator[Finding]:
        """The findings of a correlation, if it reports any; those that refer to it get their matches."""
        detect = _KINDS[correlation.kind]
        found: dict[tuple[tuple[str, ...], str], Episode] = {}
        for group, places in groupby(ordered, key=lambda item: item[0][1]):
            # A record that was read twice stands beside itself.
            members = [next(same)[1] for _, same in groupby(places, key=lambda item: item[0])]
            if correlation.meta.id in self._users:
                self._fire(correlation, group, members)
            for episode, facts in detect(correlation, members) if correlation.reports else ():
                facts = dict(zip(correlation.group_by, group, strict=True)) | facts
                key = group, episode[-1].sighting.time[:10]
                whole = [each for match in episode for each in self._records(match)]
                if key in found:
                    found[key][0].extend(whole)
                else:
                    found[key] = (whole, facts)
        return _findings(correlation, found)

    def _fire(self, correlation: Correlation, group: tuple[str, ...], members: Sequence[Seen]) -> None:
        own = {name: value for name, value in zip(correlation.group_by, group, strict=True) if value}
        for behind in _fulfilled(correlation, members):
            last = behind[0][behind[2] - 1]
            name = json.dumps((correlation.meta.id, group, last.sighting.record_id))
            self._behind[name] = behind
            sighting = last.sighting._replace(record_id=name)
            seen = Seen(correlation.meta.id, last.time, sighting, last.asset, {**last.fields, **own})
            for place, match in self._placed(seen):
                self._fired[place[0]].append((place, match))

    def _records(self, match: Seen) -> Iterator[Seen]:
        """The match itself, or those of records that are behind it."""
        if match.sighting.record_id not in self._behind:
            yield match
            return
        matches, first, last = self._behind[match.sighting.record_id]
        for at in range(first, last):
            yield from self._records(matches[at])


def _findings(correlation: Correlation, found: dict[tuple[tuple[str, ...], str], Episode]) -> Iterator[Finding]:
    for (group, day), (episode, facts) in found.items():
        moments = [(match.sighting.time, match.sighting.record_id) for match in episode]
        about = _about(correlation, group, episode)
        finding = grouping.finding(correlation.meta, about, moments, episode[0].sighting.source_ip, facts)
        yield replace(finding, uid=finding_uid(correlation.meta.id, "", "", json.dumps(group), day))


def _group(correlation: Correlation, match: Seen) -> tuple[str, ...] | None:
    """The values of the group-by fields; a match that has none of them is in no group."""
    group = tuple(match.fields.get(_path(correlation, name, match.rule), "") for name in correlation.group_by)
    return group if any(group) or not correlation.group_by else None


def _path(correlation: Correlation, name: str, rule: str) -> str:
    for alias, mapping in correlation.aliases:
        if alias == name:
            return dict(mapping).get(rule, name)
    return name


def _about(correlation: Correlation, group: Sequence[str], episode: Sequence[Seen]) -> grouping.Key:
    """What the matches have in common; where they differ, the group says who, and the account stands for the asset.

    It is for the reader, and no part of the finding's identity, since one more match may change it.
    """

    def common(values: Iterable[str], otherwise: str) -> str:
        distinct = set(values)
        return distinct.pop() if len(distinct) == 1 else otherwise

    sightings = [match.sighting for match in episode]
    account = common((seen.account for seen in sightings), "")
    return (
        correlation.meta.id,
        account,
        common((seen.region for seen in sightings), ""),
        common((seen.actor for seen in sightings), ", ".join(filter(None, group))),
        common((match.asset for match in episode), account),
        episode[0].sighting.time[:10],
    )


Counted = list[tuple[Seen, tuple[str, ...]]]
"""Matches, and of each what is counted, once however often it comes."""


def _counted(correlation: Correlation, matches: Sequence[Seen]) -> Counted:
    if correlation.kind == "value_count":
        return [(match, value) for match in matches if (value := _values(correlation, match)) is not None]
    if correlation.kind == "temporal":
        return [(match, (match.rule,)) for match in matches]
    return [(match, (match.sighting.record_id,)) for match in matches]


def _fulfilled(correlation: Correlation, matches: Sequence[Seen]) -> Iterator[Behind]:
    """Every time that the correlation is fulfilled, by the time of its last match."""
    if correlation.kind not in _WINDOWED:
        for episode, _ in _KINDS[correlation.kind](correlation, matches):
            yield episode, 0, len(episode)
        return
    counted = _counted(correlation, matches)
    taken = [match for match, _ in counted]
    for first, last, _ in _full_windows(correlation, counted):
        yield taken, first, last


def _values(correlation: Correlation, match: Seen) -> tuple[str, ...] | None:
    """The values of the counted fields, None if any is missing."""
    found = tuple(match.fields.get(path) for path in correlation.field)
    return None if None in found else tuple(value or "" for value in found)


def _windows(correlation: Correlation, matches: Sequence[Seen]) -> Iterator[Episode]:
    """The full windows; those that overlap are one episode, if they end on the same day."""
    counted = _counted(correlation, matches)
    taken = [match for match, _ in counted]
    start = end = peak = 0
    for first, last, count in _full_windows(correlation, counted):
        if end and (first >= end or taken[end - 1].time // DAY != taken[last - 1].time // DAY):
            yield taken[start:end], {"count": str(peak)}
            end = peak = 0
        start = start if end else first
        end, peak = last, max(peak, count)
    if end:
        yield taken[start:end], {"count": str(peak)}


def _full_windows(correlation: Correlation, counted: Counted) -> Iterator[tuple[int, int, int]]:
    """Every window of `timespan` that ends at a match and has enough distinct values in it: its first index, the one
    behind its last, and how many.

    Matches of one second are in a window together or not at all.
    """
    is_full = _fullness(correlation, counted)
    inside: Counter[tuple[str, ...]] = Counter()
    first = 0
    for last, (match, value) in enumerate(counted, start=1):
        inside[value] += 1
        if last < len(counted) and counted[last][0].time == match.time:
            continue
        while counted[first][0].time < match.time - correlation.timespan:
            gone = counted[first][1]
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            first += 1
        if is_full(inside, match.time):
            yield first, last, len(inside)


def _fullness(correlation: Correlation, counted: Counted) -> Callable[[Counter[tuple[str, ...]], int], bool]:
    """Whether what is inside a window that ends at a time is enough."""
    expression, span = correlation.expression, correlation.timespan
    if expression is None:
        limits = [(_COMPARE[op], count) for op, count in ((correlation.op, correlation.count), *correlation.also)]
        return lambda inside, end: all(holds(len(inside), count) for holds, count in limits)
    times: dict[str, list[int]] = defaultdict(list)
    for match, _ in counted:
        times[match.rule].append(match.time)

    def is_near(rule: str, end: int) -> bool:
        return bisect_left(times[rule], end - span) < bisect_right(times[rule], end + span)

    return lambda inside, end: _holds(expression, lambda rule: (rule,) in inside, lambda rule: is_near(rule, end))


def _holds(expression: str | Combined, is_there: Callable[[str], bool], is_near: Callable[[str], bool]) -> bool:
    """Under a `not`, what is near counts, and not only what is inside the window; under two, what is inside again."""
    if isinstance(expression, str):
        return is_there(expression)
    if expression.op == "not":
        return not _holds(expression.parts[0], is_near, is_there)
    parts = (_holds(part, is_there, is_near) for part in expression.parts)
    return all(parts) if expression.op == "and" else any(parts)


def _temporal_ordered(correlation: Correlation, matches: Sequence[Seen]) -> Iterator[Episode]:
    """A match of each rule, in the rules' order, within `timespan`: found by the latest start of every prefix."""
    place = {rule: index for index, rule in enumerate(correlation.rules)}
    chains: list[list[Seen] | None] = [None] * len(place)
    for _, at_once in groupby(matches, key=lambda match: match.time):
        for match in at_once:  # of one second, in the rules' order, so that a chain may run through them
            index = place[match.rule]
            before = chains[index - 1] if index else []
            if before is None or (before and match.time - before[0].time > correlation.timespan):
                continue
            chain = [*before, match]
            known = chains[index]
            if known is None or chain[0].time >= known[0].time:
                chains[index] = chain
            if index == len(place) - 1:
                yield chain, {"count": str(len(chain))}


def _first_seen(correlation: Correlation, matches: Sequence[Seen]) -> Iterator[Episode]:
    known: dict[tuple[str, ...], int] = {}
    since = matches[0].time
    for match in matches:
        value = _values(correlation, match)
        if value is None:
            continue
        last = known.get(value)
        is_news = last is None or match.time - last > correlation.timespan
        if is_news and match.time - since >= correlation.min_history:
            yield [match], {path: match.fields[path] for path in correlation.field}
        known[value] = match.time


def _baseline(correlation: Correlation, matches: Sequence[Seen]) -> Iterator[Episode]:
    width = correlation.timespan
    starts: list[int] = []
    buckets: list[int] = []
    for index, match in enumerate(matches):
        if not buckets or buckets[-1] != match.time // width:
            buckets.append(match.time // width)
            starts.append(index)
    starts.append(len(matches))
    longest = max(1, correlation.history // width)
    for place, bucket in enumerate(buckets):
        known = min(longest, bucket - buckets[0])
        if known == 0 or known * width < correlation.min_history:
            continue
        count = starts[place + 1] - starts[place]
        mean = (starts[place] - starts[bisect_left(buckets, bucket - known)]) / known
        if count >= correlation.count and count >= correlation.factor * mean:
            facts = {"count": str(count), "mean": f"{mean:.2f}"}
            yield list(matches[starts[place] : starts[place + 1]]), facts


_WINDOWED = ("event_count", "value_count", "temporal")

_KINDS: dict[str, Callable[[Correlation, Sequence[Seen]], Iterator[Episode]]] = {
    "event_count": _windows,
    "value_count": _windows,
    "temporal": _windows,
    "temporal_ordered": _temporal_ordered,
    "first_seen": _first_seen,
    "baseline": _baseline,
}
