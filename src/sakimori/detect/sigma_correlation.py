"""Correlations of rules: Sigma's own (Correlation Rules Specification 2.0), and our first_seen and baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from sigma.correlations import (
    CorrelationConditionAND,
    CorrelationConditionNOT,
    CorrelationConditionOR,
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationTimespan,
    SigmaExtendedCorrelationCondition,
)
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from sakimori.detect import ir
from sakimori.detect.rule_lines import RuleError
from sakimori.detect.sigma_modifiers import in_small_letters

OWN_CORRELATIONS = ("first_seen", "baseline")
_OPERATORS = SigmaCorrelationConditionOperator.operators()


class Reader(Protocol):
    """The document that is being read, as far as a correlation needs it."""

    path: str
    document: Any

    def line(self, *keys: str) -> int: ...

    def meta(self, rule: SigmaRule | SigmaCorrelationRule) -> ir.Meta: ...


def correlation(reader: Reader) -> ir.Correlation:
    """The rule of a document with a `correlation`.

    Raises RuleError or SigmaError for what is wrong with it.
    """
    body = reader.document["correlation"]
    kind = body.get("type") if isinstance(body, dict) else None
    if kind in OWN_CORRELATIONS:
        return _own(reader, body, kind)
    if isinstance(body, dict):
        _check_settings(reader, body, ("type", "rules", "group-by", "timespan", "condition", "aliases", "generate"))
    document, also = _one_limit(in_small_letters(reader.document, "correlation"))
    rule = SigmaCorrelationRule.from_dict(document)
    name: Any = rule.type.name.lower()
    condition: Any = rule.condition
    if name not in ("event_count", "value_count", "temporal", "temporal_ordered"):
        raise RuleError(reader.path, reader.line("correlation", "type"), f"correlation type {name} is not supported")
    named = tuple(reference.reference for reference in rule.rules or ())
    if isinstance(condition, SigmaExtendedCorrelationCondition):
        return _with_expression(reader, rule, named, condition)
    if name == "temporal_ordered" and (condition.op.name, condition.count, also) != ("GTE", len(named), ()):
        line = reader.line("correlation", "condition")
        raise RuleError(
            reader.path, line, "temporal_ordered wants a match of each of its rules: leave the condition out"
        )
    fieldref = getattr(condition, "fieldref", None)
    return ir.Correlation(
        meta=reader.meta(rule),
        kind=name,
        generate=rule.generate,
        rules=named,
        group_by=tuple(rule.group_by or ()),
        timespan=rule.timespan.seconds,
        op=condition.op.name.lower(),
        count=condition.count,
        also=also,
        field=(fieldref,) if isinstance(fieldref, str) else tuple(fieldref or ()),
        aliases=_aliases(rule),
    )


def _aliases(rule: SigmaCorrelationRule) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    return tuple(
        (alias.alias, tuple((ref.reference, path) for ref, path in alias.mapping.items())) for alias in rule.aliases
    )


def _with_expression(
    reader: Reader, rule: SigmaCorrelationRule, named: tuple[str, ...], condition: SigmaExtendedCorrelationCondition
) -> ir.Correlation:
    """A temporal correlation whose condition is `a and (b or not c)`; its rules need not be listed as well."""
    expression: str | ir.Combined | None = _combined(condition.parsed)
    rules = tuple(dict.fromkeys((*named, *condition.get_referenced_rules())))
    kind: Any = rule.type.name.lower()
    if kind == "temporal_ordered":
        if expression not in (rules[0], ir.Combined("and", tuple(condition.get_referenced_rules()))):
            line = reader.line("correlation", "condition")
            raise RuleError(reader.path, line, "temporal_ordered wants a match of each of its rules: a and b and c")
        expression = None
    return ir.Correlation(
        meta=reader.meta(rule),
        kind=kind,
        generate=rule.generate,
        rules=rules,
        group_by=tuple(rule.group_by or ()),
        timespan=rule.timespan.seconds,
        count=len(rules),
        expression=expression,
        aliases=_aliases(rule),
    )


def _combined(node: Any) -> str | ir.Combined:
    """pySigma's tree of an expression as ours."""
    operators: dict[type, Any] = {CorrelationConditionAND: "and", CorrelationConditionOR: "or"}
    if isinstance(node, CorrelationConditionNOT):
        return ir.Combined("not", (_combined(node.args[0]),))
    if type(node) in operators:
        return ir.Combined(operators[type(node)], tuple(map(_combined, node.args)))
    name: str = node.reference
    return name


def _one_limit(document: dict[str, Any]) -> tuple[dict[str, Any], tuple[tuple[Any, float], ...]]:
    """The document with the first limit of its condition alone, all that pySigma takes, and the other limits.

    A range is written `{gt: 100, lte: 200}`.
    """
    body = document["correlation"]
    condition = body.get("condition") if isinstance(body, dict) else None
    if not isinstance(condition, dict):
        return document, ()
    others = [key for key in condition if key in _OPERATORS][1:]
    also = [SigmaCorrelationCondition.from_dict({key: condition[key]}) for key in others]
    first = {key: value for key, value in condition.items() if key not in others}
    cut = document | {"correlation": body | {"condition": first}}
    return cut, tuple((each.op.name.lower(), each.count) for each in also)


def _own(reader: Reader, body: dict[str, Any], kind: Literal["first_seen", "baseline"]) -> ir.Correlation:
    _check_settings(
        reader, body, ("type", "rules", "group-by", "timespan", "condition", "min-history", "history", "generate")
    )
    condition = body.get("condition")
    if not isinstance(condition, dict) or not body.get("rules"):
        raise RuleError(reader.path, reader.line("correlation"), f"{kind} needs rules and a condition")
    # pySigma reads the attributes around the correlation; the correlation itself is ours.
    stand_in = {"type": "event_count", "rules": body["rules"], "timespan": "1m", "condition": {"gte": 1}}
    rule = SigmaCorrelationRule.from_dict({**reader.document, "correlation": stand_in})
    known = {"field"} if kind == "first_seen" else {"gte", "factor"}
    for key in condition.keys() - known:
        line = reader.line("correlation", "condition", str(key))
        raise RuleError(reader.path, line, f"a condition of {kind} has no setting {key!r}")
    fieldref = _texts(reader, condition, "condition", "field")
    if kind == "first_seen" and not fieldref:
        raise RuleError(reader.path, reader.line("correlation", "condition"), "first_seen needs the field to watch")
    return ir.Correlation(
        meta=reader.meta(rule),
        kind=kind,
        rules=_texts(reader, body, "rules"),
        group_by=_texts(reader, body, "group-by"),
        timespan=_seconds(reader, body, "timespan", "30d" if kind == "first_seen" else "1h"),
        count=_positive(reader, condition, "gte", 1),
        field=fieldref,
        min_history=_min_history(reader, body, kind),
        history=_seconds(reader, body, "history", "14d"),
        generate=bool(body.get("generate", False)),
        factor=_positive(reader, condition, "factor", 10),
    )


def _check_settings(reader: Reader, body: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in body.keys() - set(known):
        line = reader.line("correlation", str(key))
        raise RuleError(reader.path, line, f"{body.get('type')} has no setting {key!r}: it has {', '.join(known)}")
    if not _texts(reader, body, "rules") and not isinstance(body.get("condition"), str):
        raise RuleError(reader.path, reader.line("correlation", "rules"), "names no rules to correlate")


def _texts(reader: Reader, body: Mapping[str, Any], *keys: str) -> tuple[str, ...]:
    """A setting that is a text or a list of texts; `keys` is its path, of which `body` has the last."""
    found = body.get(keys[-1], [])
    texts = [found] if isinstance(found, str) else found
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise RuleError(reader.path, reader.line("correlation", *keys), f"{keys[-1]} must be a text or a list of texts")
    return tuple(texts)


def _positive(reader: Reader, condition: Mapping[str, Any], key: str, default: float) -> float:
    number = condition.get(key, default)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 < number < math.inf:
        line = reader.line("correlation", "condition", key)
        raise RuleError(reader.path, line, f"{key} must be a number above 0, not {number!r}")
    return float(number)


def _min_history(reader: Reader, body: Mapping[str, Any], kind: str) -> int:
    """Of `first_seen` it may be none at all: then the first value of a new group is news as well."""
    if kind == "first_seen" and body.get("min-history") in ("0s", "0m", "0h", "0d"):
        return 0
    return _seconds(reader, body, "min-history", "7d" if kind == "first_seen" else "3d")


def _seconds(reader: Reader, body: Mapping[str, Any], key: str, default: str) -> int:
    try:
        return SigmaCorrelationTimespan(body.get(key, default)).seconds
    except SigmaError as error:
        raise RuleError(reader.path, reader.line("correlation", key), str(error)) from error
