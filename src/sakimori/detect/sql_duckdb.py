"""A predicate over the raw text of a record, in DuckDB's words: true or false on every row, never NULL."""

from __future__ import annotations

from typing import assert_never

from sakimori.detect import ir
from sakimori.detect.sql_terms import (
    ACCOUNT_WORD,
    OPERATORS,
    Border,
    Inexpressible,
    Operator,
    double_border,
    integer_border,
    network,
    shape,
)


def literal(text: str, rule: str = "") -> str:
    """The text as a SQL string constant, whatever is in it.

    Raises Inexpressible for a text that is no Unicode (a lone surrogate): no record can hold it.
    """
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        raise Inexpressible(rule, repr(text), "half a surrogate pair is no text")
    quoted = " || chr(0) || ".join("'" + part.replace("'", "''") + "'" for part in text.split("\0"))
    return f"({quoted})" if "\0" in text else quoted


def predicate(term: ir.Predicate, column: str, rule: str = "") -> str:
    """SQL that is true where the predicate holds for the record in `column`, and false on every other row.

    Raises Inexpressible, naming `rule`, for what DuckDB cannot say.
    """
    match term:
        case ir.Keyword(pattern, cased):
            text = f"sakimori_json(CAST(json({column}) AS VARCHAR))"
            whole = (ir.Wildcard.MANY, *pattern, ir.Wildcard.MANY)
            return _any(f"[{text}]", _fits("v", whole, cased, rule))
        case ir.FieldRef():
            return _refers(term, column, rule)
    values = _values(term.field, column, rule)
    match term:
        case ir.Null():
            there = _any(values, "json_type(v) <> 'NULL'")
            return f"(NOT {there})"
        case ir.Exists():
            return f"(len({values}) > 0)"
        case ir.OtherAccount():
            own = _texts(_values("recipientAccountId", column, rule))
            words = f"regexp_extract_all(v, {literal(ACCOUNT_WORD)})"
            other = f"lambda w: regexp_full_match(w, '[0-9]{{12}}') AND NOT list_contains({own}, w)"
            return _any(_texts(values), f"v IS NOT NULL AND len(list_filter({words}, {other})) > 0")
        case ir.Text(_, pattern, cased):
            return _any(_texts(values), _fits("v", pattern, cased, rule))
        case ir.Regex(_, expression):
            return _any(_texts(values), f"regexp_matches(v, {literal(expression, rule)})")
        case ir.Number(_, number):
            return _any(values, _compares("=", number))
        case ir.Compare(_, op, number):
            return _any(values, _compares(OPERATORS[op], number))
        case ir.Cidr(_, cidr):
            return _any(values, _is_in(cidr))
        case _:
            assert_never(term)


def finds(column: str, expression: str) -> str:
    """SQL: the regular expression (RE2) is found in the raw text, which is never NULL."""
    return f"regexp_matches({column}, {literal(expression)})"


def _any(values: str, test: str) -> str:
    """SQL: one of the values passes `test`, which calls the value v."""
    return f"(len(list_filter({values}, lambda v: {test})) > 0)"


def _texts(values: str) -> str:
    return f"list_transform({values}, lambda v: sakimori_text(v))"


def _values(field: str, column: str, rule: str) -> str:
    """SQL for the list of all values (JSON) at `field`.

    If the path leads somewhere without lists, what it leads to is all there is. Only where it does not, and a list
    stands on the way, is it walked step by step.
    """
    steps = [_step(key, rule) for key in field.split(".")]
    walked = f"[{column}::JSON]"
    for step in steps:
        walked = f"sakimori_step({walked}, {step})"
    if not all(step.startswith("'$") for step in steps):
        return f"sakimori_ends({walked})"
    *ways, end = ("'$" + "".join(step[2:-1] for step in steps[:count]) + "'" for count in range(1, len(steps) + 1))
    direct = f"json_extract({column}, {end})"
    if not ways:
        return f"sakimori_ends([{direct}])"
    return (
        f"(CASE WHEN {direct} IS NOT NULL THEN sakimori_ends([{direct}]) "
        f"WHEN list_contains(json_type({column}, [{', '.join(ways)}]), 'ARRAY') THEN sakimori_ends({walked}) "
        "ELSE []::JSON[] END)"
    )


def _step(key: str, rule: str) -> str:
    """A JSON path of one key. As a path, `*` and the empty key mean other things: there it is a JSON pointer."""
    if key in ("", "*"):
        return literal(f"/{key}")
    return literal('$."' + key.replace("\\", "\\\\").replace('"', '\\"') + '"', rule)


def _fits(found: str, pattern: ir.Pattern, cased: bool, rule: str) -> str:
    form = shape(pattern, cased)
    text = literal(form.text, rule)
    found = found if cased or form.test == "anything" else f"sakimori_lower({found})"
    match form.test:
        case "anything":
            return f"{found} IS NOT NULL"
        case "equals":
            return f"{found} = {text}"
        case "startswith":
            return f"starts_with({found}, {text})"
        case "endswith":
            return f"ends_with({found}, {text})"
        case "contains":
            return f"contains({found}, {text})"
        case "like":
            return f"{found} LIKE {text} ESCAPE '!'"


def _compares(op: Operator, number: int | float) -> str:
    """SQL: v, a number or a string that spells one, stands to `number` in the order `op`; integers exactly."""
    integer = _against("TRY_CAST(v::VARCHAR AS HUGEINT)", integer_border(op, number), "HUGEINT")
    border = double_border(op, number)
    double = _against("TRY_CAST(v::VARCHAR AS DOUBLE)", border, "DOUBLE")
    spelt = _against("sakimori_spelt(json_extract_string(v, '$'))", border, "DOUBLE")
    return (
        f"CASE json_type(v) WHEN 'UBIGINT' THEN {integer} WHEN 'BIGINT' THEN {integer} "
        f"WHEN 'DOUBLE' THEN {double} WHEN 'VARCHAR' THEN {spelt} ELSE false END"
    )


def _against(value: str, border: Border, kind: str) -> str:
    if border.always is not None:
        return f"{value} IS NOT NULL" if border.always else "false"
    if kind == "HUGEINT" and not -(2**127) < border.number < 2**127:
        return f"{value} IS NOT NULL" if (border.op in ("<", "<=")) == (border.number > 0) else "false"
    return f"{value} {border.op} CAST('{border.number!r}' AS {kind})"


def _is_in(cidr: str) -> str:
    found = network(cidr)
    if found is None:
        return "false"
    text = "json_extract_string(v, '$')"
    address = text if found.version == 4 else f"sakimori_ipv6({text})"
    return f"CASE WHEN json_type(v) = 'VARCHAR' THEN regexp_full_match({address}, '{found.expression}') ELSE false END"


def _refers(term: ir.FieldRef, column: str, rule: str) -> str:
    ours, theirs = (
        f"list_transform({_texts(_values(field, column, rule))}, lambda v: sakimori_lower(v))"
        for field in (term.field, term.other)
    )
    if term.how == "equals":
        return f"list_has_any({ours}, {theirs})"
    test = {"startswith": "starts_with", "endswith": "ends_with", "contains": "contains"}[term.how]
    return f"(len(list_filter({ours}, lambda a: len(list_filter({theirs}, lambda b: {test}(a, b))) > 0)) > 0)"
