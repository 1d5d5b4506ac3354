"""The fast execution over one record: a condition becomes one Python expression, compiled once and called per record.

What most predicates meet, a plain string under a few keys, is compared inside the expression; every other shape of
value, and every other predicate, is left to a closure that knows all cases. What is said cheaply is asked first. The
expression holds nothing of the rule's own text: its strings are bound to names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

import re2

from sakimori.detect import ir
from sakimori.detect.fields import Record, is_there, names_other_account, number, record_text, text, values, whole
from sakimori.detect.literals import regex_fragments

_USUAL_TEXT = 128
"""Characters: ARNs and addresses, which come again and again. Answers for longer values are not remembered, so that a
predicate's memory stays small."""

Test = Callable[[Record], bool]
ValueTest = Callable[[Any], bool]


def build(condition: ir.Condition) -> Test:
    """A function that says of a record whether the condition holds."""
    names: dict[str, Any] = {}
    code = compile(f"lambda record: {_expression(condition, names)}", "<rule>", "eval")
    scope = {"__builtins__": {}, "str": str, "dict": dict, **names}
    test: Test = eval(code, scope)  # noqa: S307  # an expression of ours, without a character of the rule's
    return test


def _expression(condition: ir.Condition | _Merged, names: dict[str, Any]) -> str:
    match condition:
        case ir.And(children):
            return "(" + " and ".join(_expression(child, names) for child in sorted(children, key=_cost)) + ")"
        case ir.Or(children):
            cheapest_first = sorted(_merged(children), key=_cost)
            return "(" + " or ".join(_expression(child, names) for child in cheapest_first) + ")"
        case ir.Not(child):
            return f"(not {_expression(child, names)})"
        case ir.Null(field):
            return _null_expression(field, f"{_bind(names, closure(condition))}(record)", names)
        case ir.Text() | ir.Regex() | ir.Cidr() | _OneOf() | _InOneOf():
            return _text_expression(condition, names)
    return f"{_bind(names, closure(condition))}(record)"


def _cost(condition: ir.Condition | _Merged) -> int:
    """About how long it takes to say whether it holds, in comparisons of one plain string."""
    match condition:
        case ir.And(children) | ir.Or(children):
            return sum(map(_cost, children))
        case ir.Not(child):
            return _cost(child)
        case ir.Text() | ir.Null() | _OneOf():
            return 1
        case ir.Regex():
            return 12
        case ir.Keyword():
            return 200
    return 6


def _null_expression(field: str, otherwise: str, names: dict[str, Any]) -> str:
    first, *rest = (_bind(names, key) for key in field.split("."))
    if len(rest) > 1:
        return otherwise
    found = f"record.get({first})" if not rest else f"outer.get({rest[0]})"
    nothing = f"((value := {found}) is None or value.__class__ is not str and {otherwise})"
    if not rest:
        return nothing
    return f"({nothing} if (outer := record.get({first})).__class__ is dict else {otherwise})"


def _text_expression(predicate: ir.Text | ir.Regex | ir.Cidr | _Merged, names: dict[str, Any]) -> str:
    comparison = _comparison(predicate, names)
    otherwise = f"{_bind(names, closure(predicate))}(record)"
    if comparison is None:
        return otherwise
    first, *rest = (_bind(names, key) for key in predicate.field.split("."))
    found = f"record.get({first})"
    for key in rest:
        # Where no object stands, `outer` is no string under the next key: the closure decides.
        found = f"(outer.get({key}) if (outer := {found}).__class__ is dict else None)"
    return f"({comparison} if (value := {found}).__class__ is str else {otherwise})"


def _comparison(predicate: ir.Text | ir.Regex | ir.Cidr | _Merged, names: dict[str, Any]) -> str | None:
    if isinstance(predicate, ir.Regex):
        return f"{_bind(names, _found(predicate.pattern))}(value)"
    if isinstance(predicate, ir.Cidr):
        return f"{_bind(names, _in_one_of((predicate.network,)))}(value)"
    if isinstance(predicate, _InOneOf):
        return f"{_bind(names, _in_one_of(predicate.networks))}(value)"
    if isinstance(predicate, _OneOf):
        return f"value.lower() in {_bind(names, predicate.texts)}"
    value = "value" if predicate.cased else "value.lower()"
    parts = tuple(part if predicate.cased or not isinstance(part, str) else part.lower() for part in predicate.pattern)
    match parts:
        case (str(whole),):
            return f"{value} == {_bind(names, whole)}"
        case (str(start), ir.Wildcard.MANY):
            return f"{value}.startswith({_bind(names, start)})"
        case (ir.Wildcard.MANY, str(end)):
            return f"{value}.endswith({_bind(names, end)})"
        case (ir.Wildcard.MANY, str(middle), ir.Wildcard.MANY):
            return f"{_bind(names, middle)} in {value}"
    return None


def _bind(names: dict[str, Any], thing: Any) -> str:
    name = f"n{len(names)}"
    names[name] = thing
    return name


@dataclass(frozen=True, slots=True)
class _OneOf:
    """Plain texts for one field, any of which will do: lower-cased, in one set."""

    field: str
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class _InOneOf:
    """Networks for one field, any of which will do."""

    field: str
    networks: tuple[str, ...]


_Merged = _OneOf | _InOneOf


def _merged(children: tuple[ir.Condition, ...]) -> list[ir.Condition | _Merged]:
    """The alternatives, those that are plain texts or networks for one field made one."""
    texts: dict[str, set[str]] = {}
    networks: dict[str, list[str]] = {}
    others: list[ir.Condition | _Merged] = []
    for child in children:
        match child:
            case ir.Text(field, (str(wanted),), False):
                texts.setdefault(field, set()).add(wanted.lower())
            case ir.Cidr(field, network):
                networks.setdefault(field, []).append(network)
            case _:
                others.append(child)
    others += [_OneOf(field, frozenset(wanted)) for field, wanted in texts.items()]
    return others + [_InOneOf(field, tuple(wanted)) for field, wanted in networks.items()]


def closure(condition: ir.Predicate | _Merged) -> Test:
    """A function that says of a record whether one predicate holds, whatever the record has at its field."""
    match condition:
        case _OneOf(field, texts):
            return _over(field, _on_text(lambda found: found.lower() in texts))
        case _InOneOf(field, networks):
            return _over(field, _in_one_of(networks))
        case ir.Keyword(pattern, cased):
            fits = _fits((ir.Wildcard.MANY, *pattern, ir.Wildcard.MANY), cased)
            return lambda record: fits(record_text(whole(record)))
        case ir.Null(field):
            return lambda record: all(value is None for value in values(record, field))
        case ir.Exists(field):
            return lambda record: is_there(record, field)
        case ir.OtherAccount(field):
            return lambda record: names_other_account(record, field)
        case ir.FieldRef(field, other, how):
            return _field_ref(field, other, how)
        case _:
            return _over(condition.field, value_test(condition))


def value_test(predicate: ir.Predicate) -> ValueTest:
    """A function that says of one value whether a predicate over single values holds."""
    match predicate:
        case ir.Text(_, pattern, cased):
            return _on_text(_fits(pattern, cased))
        case ir.Regex(_, pattern):
            return _on_text(_found(pattern))
        case ir.Number(_, wanted):
            return lambda value: number(value) == wanted
        case ir.Compare(_, op, wanted):
            return _compare(op, wanted)
        case ir.Cidr(_, network):
            return _in_one_of((network,))
    raise TypeError(f"{type(predicate).__name__} is not about single values")


def _over(field: str, holds: ValueTest) -> Test:
    return lambda record: any(map(holds, values(record, field)))


def _field_ref(field: str, other: str, how: str) -> Test:
    relations: dict[str, Callable[[str, str], bool]] = {
        "equals": lambda ours, theirs: ours == theirs,
        "startswith": lambda ours, theirs: ours.startswith(theirs),
        "endswith": lambda ours, theirs: ours.endswith(theirs),
        "contains": lambda ours, theirs: theirs in ours,
    }
    relation = relations[how]

    def test(record: Record) -> bool:
        theirs = [found.lower() for value in values(record, other) if (found := text(value)) is not None]
        ours = [found.lower() for value in values(record, field) if (found := text(value)) is not None]
        return any(relation(a, b) for a in ours for b in theirs)

    return test


def _on_text(holds: Callable[[str], bool]) -> ValueTest:
    def test(value: Any) -> bool:
        if isinstance(value, str):
            return holds(value)
        found = text(value)
        return found is not None and holds(found)

    return test


def _fits(pattern: ir.Pattern, cased: bool) -> Callable[[str], bool]:
    """Whether a whole text fits a pattern; the common shapes without a regular expression."""
    parts = pattern if cased else tuple(part.lower() if isinstance(part, str) else part for part in pattern)
    many = ir.Wildcard.MANY
    test: Callable[[str], bool]
    match parts:
        case ():
            return lambda found: found == ""
        case (ir.Wildcard.MANY,):
            return lambda found: True
        case (str(whole),):
            test = whole.__eq__
        case (str(start), ir.Wildcard.MANY):
            test = lambda found: found.startswith(start)  # noqa: E731
        case (ir.Wildcard.MANY, str(end)):
            test = lambda found: found.endswith(end)  # noqa: E731
        case (ir.Wildcard.MANY, str(middle), ir.Wildcard.MANY):
            test = lambda found: middle in found  # noqa: E731
        case _:
            pieces = [re2.escape(p) if isinstance(p, str) else ".*" if p is many else "." for p in parts]
            fullmatch = _regex("(?s)" + "".join(pieces)).fullmatch
            test = lambda found: fullmatch(found) is not None  # noqa: E731
    return test if cased else lambda found: test(found.lower())


def _found(pattern: str) -> Callable[[str], bool]:
    """Whether an expression is found in a text; a string that it cannot do without is looked for first.

    Not in a text that is not ASCII: RE2 takes the long s for an s, and lower case does not.
    """
    search = _regex(pattern).search
    needed = max(regex_fragments(pattern), key=len, default="").lower()

    def found(value: str) -> bool:
        if len(needed) > 1 and needed not in value.lower() and value.isascii():
            return False
        return search(value) is not None

    remembered = lru_cache(maxsize=1024)(found)
    return lambda value: remembered(value) if len(value) <= _USUAL_TEXT else found(value)


def _compare(op: str, wanted: float) -> ValueTest:
    relation: Callable[[float, float], bool] = {
        "lt": lambda a, b: a < b,
        "lte": lambda a, b: a <= b,
        "gt": lambda a, b: a > b,
        "gte": lambda a, b: a >= b,
    }[op]

    def test(value: Any) -> bool:
        found = number(value)
        return found is not None and relation(found, wanted)

    return test


def _in_one_of(text_forms: tuple[str, ...]) -> ValueTest:
    networks = [ip_network(form) for form in text_forms]

    def contained(value: str) -> bool:
        try:
            address = ip_address(value)
        except ValueError:
            return False
        return any(address in network for network in networks)

    remembered = lru_cache(maxsize=4096)(contained)
    return lambda value: (
        isinstance(value, str) and (remembered(value) if len(value) <= _USUAL_TEXT else contained(value))
    )


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)
