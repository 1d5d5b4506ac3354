"""Correlations against a quadratic oracle, straight from the definitions: which records belong to some finding."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import product
from random import Random
from typing import Any, get_args

import msgspec
import pytest

from sakimori.detect import correlation, ir
from sakimori.detect.correlation import Correlator, Seen, needed_fields
from sakimori.detect.detection import Look, Whole
from sakimori.detect.rulebook import Rulebook
from sakimori.detect.sighting import Sighting
from sakimori.model.finding import Finding
from sakimori.model.severity import Severity

START = 1_790_000_000
RULES = ("r0", "r1", "r2")
KINDS: tuple[ir.CorrelationKind, ...] = get_args(ir.CorrelationKind)
OPERATORS = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
    "eq": operator.eq,
    "neq": operator.ne,
}


def meta(rule: str) -> ir.Meta:
    return ir.Meta(id=rule, name=rule, uuid="", title=rule, description="", severity=Severity.HIGH)


def random_correlation(rng: Random, kind: ir.CorrelationKind, op: str) -> ir.Correlation:
    ordered = rng.sample(RULES, rng.randrange(1, 4))
    aliases = (("who", tuple((rule, f"user.{rule}") for rule in rng.sample(RULES, rng.randrange(1, 4)))),)
    return ir.Correlation(
        meta=meta("c"),
        kind=kind,
        rules=tuple(ordered),
        group_by=tuple(rng.choice(((), ("ip",), ("who",), ("ip", "who")))),
        timespan=rng.choice((1, 5, 10)),
        op=op,  # type: ignore[arg-type]
        count=rng.randrange(1, 4),
        also=rng.choice(((), (), (("lte", rng.randrange(1, 6)),))),
        field=tuple(rng.choice((("city",), ("city", "ip")))),
        aliases=aliases,
        min_history=rng.choice((0, 7, 20)),
        history=rng.choice((5, 20, 40)),
        factor=rng.choice((0.5, 1.0, 2.0)),
    )


def random_matches(rng: Random, rules: Iterable[str]) -> list[Seen]:
    """Few seconds, few values, some missing; some records are matched by several rules."""
    matches = []
    for number in range(rng.randrange(1, 25)):
        time = START + rng.randrange(40)
        when = datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        seen = Sighting(f"id{number}", when, rng.choice("AB"), rng.choice("XY"), rng.choice("uv"), f"10.0.0.{number}")
        everything = {"ip": "1", "who": "w", **{f"user.{rule}": rng.choice("wz") for rule in RULES}}
        fields = {key: value for key, value in everything.items() if rng.random() < 0.8}
        if rng.random() < 0.8:
            fields["city"] = rng.choice("pqr")
        for rule in rng.sample(RULES, rng.choice((1, 1, 1, 2))):
            if rule in rules:
                matches.append(Seen(rule, time, seen, rng.choice("st"), fields))
    return matches


# ---- the oracle


def groups(rule: ir.Correlation, matches: list[Seen]) -> list[list[Seen]]:
    found: dict[tuple[str, ...], list[Seen]] = {}
    for match in matches:
        paths = [dict(dict(rule.aliases).get(name, ())).get(match.rule, name) for name in rule.group_by]
        group = tuple(match.fields.get(path, "") for path in paths)
        if not rule.group_by or group != ("",) * len(group):
            found.setdefault(group, []).append(match)
    return list(found.values())


def record(match: Seen) -> str:
    return match.sighting.record_id


def values(rule: ir.Correlation, match: Seen) -> tuple[str, ...] | None:
    return tuple(match.fields[path] for path in rule.field) if set(rule.field) <= match.fields.keys() else None


def windows(rule: ir.Correlation, matches: list[Seen], counted: Any) -> set[str]:
    found: set[str] = set()
    for last in matches:
        window = [match for match in matches if last.time - rule.timespan <= match.time <= last.time]
        count = len({counted(match) for match in window})
        if all(OPERATORS[op](count, limit) for op, limit in ((rule.op, rule.count), *rule.also)):
            found |= set(map(record, window))
    return found


def news(rule: ir.Correlation, matches: list[Seen]) -> set[str]:
    """Of matches with one value in one second the first by rule and record id stands for all."""
    found = set()
    for match in matches:
        place = (match.time, rule.rules.index(match.rule), record(match))
        known = [
            other.time
            for other in matches
            if values(rule, other) == values(rule, match)
            and (other.time, rule.rules.index(other.rule), record(other)) < place
        ]
        is_news = not known or match.time - max(known) > rule.timespan
        long_known = match.time - min(each.time for each in matches) >= rule.min_history
        if values(rule, match) is not None and is_news and long_known:
            found.add(record(match))
    return found


def bursts(rule: ir.Correlation, matches: list[Seen]) -> set[str]:
    found: set[str] = set()
    first = min(match.time for match in matches) // rule.timespan
    for bucket in {match.time // rule.timespan for match in matches}:
        inside = [match for match in matches if match.time // rule.timespan == bucket]
        known = [each for each in range(first, bucket) if each >= bucket - max(1, rule.history // rule.timespan)]
        before = [match for match in matches if match.time // rule.timespan in known]
        if not known or len(known) * rule.timespan < rule.min_history:
            continue
        if len(inside) >= rule.count and len(inside) >= rule.factor * len(before) / len(known):
            found |= set(map(record, inside))
    return found


def expected(rule: ir.Correlation, matches: list[Seen]) -> set[str]:
    found: set[str] = set()
    for group in groups(rule, [match for match in matches if match.rule in rule.rules]):
        match rule.kind:
            case "event_count":
                found |= windows(rule, group, record)
            case "value_count":
                valued = [match for match in group if values(rule, match) is not None]
                found |= windows(rule, valued, lambda match: values(rule, match))
            case "temporal":
                found |= windows(rule, group, lambda match: match.rule)
            case "first_seen":
                found |= news(rule, group)
            case "baseline":
                found |= bursts(rule, group)
    return found


def chains(rule: ir.Correlation, matches: list[Seen]) -> list[tuple[Seen, ...]]:
    """Every way to pick a match of each rule, in the rules' order and within the timespan."""
    found = []
    for group in groups(rule, matches):
        steps = [[match for match in group if match.rule == step] for step in rule.rules]
        for chain in product(*steps):
            times = [match.time for match in chain]
            if times == sorted(times) and times[-1] - times[0] <= rule.timespan:
                found.append(chain)
    return found


def random_expression(rng: Random, rules: Sequence[str], depth: int = 0) -> str | ir.Combined:
    if depth == 3 or rng.random() < 0.3:
        return rng.choice(rules)
    if rng.random() < 0.3:
        return ir.Combined("not", (random_expression(rng, rules, depth + 1),))
    parts = tuple(random_expression(rng, rules, depth + 1) for _ in range(rng.choice((2, 2, 3))))
    return ir.Combined(rng.choice(("and", "or")), parts)


def satisfied(expression: str | ir.Combined, there: set[str], near: set[str]) -> bool:
    """A rule counts as there in the window, under an odd number of `not` also near it."""
    match expression:
        case str(rule):
            return rule in there
        case ir.Combined("not", (part,)):
            return not satisfied(part, near, there)
        case ir.Combined("and", parts):
            return all([satisfied(part, there, near) for part in parts])
        case ir.Combined(_, parts):
            return any([satisfied(part, there, near) for part in parts])


def expressed(rule: ir.Correlation, matches: list[Seen]) -> set[str]:
    found: set[str] = set()
    assert rule.expression is not None
    for group in groups(rule, [match for match in matches if match.rule in rule.rules]):
        for last in group:
            window = [match for match in group if last.time - rule.timespan <= match.time <= last.time]
            near = {match.rule for match in group if abs(match.time - last.time) <= rule.timespan}
            if satisfied(rule.expression, {match.rule for match in window}, near):
                found |= set(map(record, window))
    return found


# ---- the tests


def test_a_temporal_expression_finds_the_windows_of_its_definition() -> None:
    rng = Random(11)
    some = none = 0
    for _ in range(1500):
        rule = random_correlation(rng, "temporal", "gte")
        rule = changed(rule, also=(), expression=random_expression(rng, rule.rules))
        matches = random_matches(rng, RULES)
        found = told(findings(rule, rng.sample(matches, len(matches))))
        assert found == expressed(rule, matches), f"{rule}\n{matches}"
        some, none = some + bool(found), none + (not found)
    assert min(some, none) > 200


def findings(rule: ir.Correlation, matches: Sequence[Seen]) -> list[Finding]:
    correlator = Correlator((rule,))
    for match in matches:
        correlator.add(match)
    return list(correlator.findings())


def told(found: Iterable[Finding]) -> set[str]:
    return {each for finding in found for each in finding.records}


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("kind", ["event_count", "value_count", "temporal", "first_seen", "baseline"])
def test_the_records_of_findings_are_those_of_the_definition(kind: ir.CorrelationKind, op: str) -> None:
    rng = Random(f"{kind} {op}")
    some = 0
    for _ in range(250):
        rule = random_correlation(rng, kind, op)
        matches = random_matches(rng, RULES)
        found = findings(rule, matches)
        assert told(found) == expected(rule, matches), f"{rule}\n{matches}"
        some += bool(found)
    assert some > 5


def test_an_ordered_correlation_finds_every_end_and_nothing_outside_a_chain() -> None:
    rng = Random(3)
    some = 0
    for _ in range(1500):
        rule = random_correlation(rng, "temporal_ordered", "gte")
        matches = random_matches(rng, RULES)
        possible = chains(rule, matches)
        found = told(findings(rule, matches))
        assert {record(chain[-1]) for chain in possible} <= found
        assert found <= {record(match) for chain in possible for match in chain}
        some += bool(found)
    assert some > 50


def firings(rule: ir.Correlation, matches: list[Seen]) -> tuple[list[Seen], dict[str, set[str]]]:
    """What a windowed correlation gives those that refer to it: one match at each second in which a window ends that
    fulfils it, and the records in that window."""
    found: list[Seen] = []
    behind: dict[str, set[str]] = {}
    for group in groups(rule, [match for match in matches if match.rule in rule.rules]):
        counted = [match for match in group if rule.kind != "value_count" or values(rule, match) is not None]
        for time in {match.time for match in counted}:
            window = [match for match in counted if time - rule.timespan <= match.time <= time]
            whats = {"event_count": record, "temporal": lambda match: match.rule}
            distinct = {whats.get(rule.kind, lambda match: values(rule, match))(match) for match in window}
            if all(OPERATORS[op](len(distinct), limit) for op, limit in ((rule.op, rule.count), *rule.also)):
                last = max(window, key=lambda match: (match.time, rule.rules.index(match.rule), record(match)))
                paths = [dict(dict(rule.aliases).get(name, ())).get(last.rule, name) for name in rule.group_by]
                named = zip(rule.group_by, paths, strict=True)
                own = {alias: last.fields[path] for alias, path in named if path in last.fields}
                name = f"firing {len(found)}"
                behind[name] = set(map(record, window))
                sighting = last.sighting._replace(record_id=name)
                found.append(Seen("inner", time, sighting, last.asset, {**last.fields, **own}))
    return found, behind


@pytest.mark.parametrize("kind", ["event_count", "value_count", "temporal", "temporal_ordered"])
@pytest.mark.parametrize("inner_kind", ["event_count", "value_count", "temporal"])
def test_a_correlation_of_correlations(kind: ir.CorrelationKind, inner_kind: ir.CorrelationKind) -> None:
    rng = Random(f"{kind} of {inner_kind}")
    some = 0
    for _ in range(200):
        inner = rename(random_correlation(rng, inner_kind, rng.choice(("gte", "gte", "eq"))), "inner")
        rules = ("r0", "r1")[: rng.choice((1, 2))]
        inner = changed(inner, rules=rules, count=rng.choice((1, 2)), also=(), reports=False)
        outer = random_correlation(rng, kind, "gte")
        referred = ("inner", "r2") if rng.random() < 0.7 else ("inner",)
        outer = changed(outer, rules=referred, count=len(referred) if "temporal" in kind else 1, also=())
        matches = random_matches(rng, RULES)
        fired, behind = firings(inner, matches)
        correlator = Correlator((outer, inner))
        for match in rng.sample(matches, len(matches)):
            correlator.add(match)
        found = list(correlator.findings())
        assert {finding.rule for finding in found} <= {"c"}
        everything = [*fired, *matches]
        if kind == "temporal_ordered":
            possible = chains(outer, everything)
            ends = {each for chain in possible for each in behind.get(record(chain[-1]), {record(chain[-1])})}
            within = {each for chain in possible for m in chain for each in behind.get(record(m), {record(m)})}
            assert ends <= told(found) <= within, f"{outer}\n{inner}\n{matches}"
        else:
            wanted = {each for name in expected(outer, everything) for each in behind.get(name, {name})}
            assert told(found) == wanted, f"{outer}\n{inner}\n{matches}"
        some += bool(found)
    assert some > 20


def changed(rule: ir.Correlation, **settings: Any) -> ir.Correlation:
    return msgspec.structs.replace(rule, **settings)


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_reading_changes_nothing(kind: ir.CorrelationKind) -> None:
    rng = Random(kind)
    for _ in range(150):
        rule = random_correlation(rng, kind, rng.choice(list(OPERATORS)))
        matches = random_matches(rng, RULES)
        first = findings(rule, matches)
        assert len({finding.uid for finding in first}) == len(first)
        for finding in first:
            assert finding.count == len(finding.records) == len(set(finding.records))
            assert finding.first_seen <= finding.last_seen
        twice = matches + rng.sample(matches, len(matches) // 2)
        assert findings(rule, rng.sample(twice, len(twice))) == first


def test_looks_taken_apart_and_put_together_give_the_same_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(9)
    rules = tuple(ir.Rule(meta=meta(rule), condition=ir.Null("x"), reports=rule == "r0") for rule in RULES)
    for number in range(100):
        kinds: tuple[Any, ...] = (
            "event_count",
            "value_count",
            "temporal",
            "temporal_ordered",
            "first_seen",
            "baseline",
        )
        correlations = [random_correlation(rng, rng.choice(kinds), rng.choice(list(OPERATORS))) for _ in range(3)]
        named = [rename(rule, f"c{at}") for at, rule in enumerate(correlations)]
        book = Rulebook(rules, tuple(named), (), {each: meta(each) for each in (*RULES, "c0", "c1", "c2")})
        matches = random_matches(rng, RULES)
        whole = in_looks(book, [matches])
        assert whole == in_looks(book, [[match] for match in rng.sample(matches, len(matches))])
        if number % 5 == 0:  # also where next to nothing fits in memory
            with monkeypatch.context() as small:
                small.setattr(correlation, "HELD", 2)
                assert whole == in_looks(book, [[match] for match in rng.sample(matches, len(matches))])


def rename(rule: ir.Correlation, name: str) -> ir.Correlation:
    return ir.Correlation(**{field: getattr(rule, field) for field in rule.__struct_fields__} | {"meta": meta(name)})


def in_looks(book: Rulebook, parts: list[list[Seen]]) -> list[Finding]:
    whole = Whole(book)
    merged = Look()
    for number, part in enumerate(parts):
        look = Look(matched=len(part), seen=list(part))
        for match in part:
            if match.rule == "r0":
                look.groups.add(match.rule, match.sighting, match.asset, dict)
        if number % 2:
            merged.merge(look)
        else:
            whole.take(look)
    whole.take(merged)
    return list(whole.findings())


def test_what_correlations_need_is_what_they_group_and_count_by() -> None:
    rule = random_correlation(Random(1), "value_count", "gte")
    made = ir.Correlation(
        **{field: getattr(rule, field) for field in rule.__struct_fields__}
        | {
            "rules": ("r0", "r1"),
            "group_by": ("ip", "who"),
            "field": ("city",),
            "aliases": (("who", (("r0", "user.r0"),)),),
        }
    )
    assert needed_fields([made]) == {"r0": ("city", "ip", "user.r0"), "r1": ("city", "ip", "who")}
