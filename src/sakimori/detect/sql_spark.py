r"""A predicate over the raw text of a record, in the words of Spark SQL 4: true or false on every row, never NULL.

A value is a struct: `k`, the first two letters of its type as `schema_of_variant` names it (STring, OBject, ARray,
BOolean, VOid, and BIgint, DEcimal or DOuble), and `s`, its text as `from_json` gives it. Variants alone would not do:
they sort an object's keys, and an object's text is compared in the order in which it was written. Null and missing
mean the same to every predicate, so nulls are left out on the way. `lower` is Spark's: it agrees with Python's on every
letter that Python's Unicode has, and may know the case of some newer ones.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import assert_never

from sakimori.detect import ir
from sakimori.detect.sql_java_regex import java
from sakimori.detect.sql_terms import (
    ACCOUNT_WORD,
    IPV6_TEXT,
    NUMBER_TEXT,
    OPERATORS,
    Border,
    Inexpressible,
    Operator,
    double_border,
    integer_border,
    network,
    shape,
    small_escapes,
)

_BACKSLASH, _QUOTE, _ASIDE = chr(92), chr(34), chr(1)
_PLAIN = re.compile(r"[-A-Za-z0-9 _.,:;/*+@=|(){}\[\]^?!<>%#&~]*")
_LOUD = "map('mode', 'FAILFAST')"
_VALUES = "array<struct<k:string,s:string>>"
_LEXEME = r'"(?:[^"\\]|\\.)*"|-?[0-9][-+.0-9eE]*|[^-"0-9]+'
_ODD_NUMBER = r"[:,\[]-?[0-9]+(?:\.|[eE]|[0-9]{17})"


def literal(text: str, rule: str = "") -> str:
    """The text as a SQL string constant, whatever is in it and however the session reads backslashes.

    Raises Inexpressible for a text that is no Unicode (a lone surrogate): no record can hold it.
    """
    try:
        encoded = text.encode()
    except UnicodeEncodeError as error:
        raise Inexpressible(rule, repr(text), "half a surrogate pair is no text") from error
    return f"'{text}'" if _PLAIN.fullmatch(text) else f"decode(unhex('{encoded.hex()}'), 'UTF-8')"


def finds(column: str, expression: str) -> str:
    """SQL: the regular expression (RE2's syntax) is found in the raw text."""
    return f"coalesce({column} RLIKE {literal(java(expression))}, false)"


def setup_statements() -> tuple[str, ...]:
    """What is to be run once in a session: nested expressions take Spark's analyser more rounds than it allows."""
    return ("SET spark.sql.analyzer.maxIterations=1000",)


def predicate(term: ir.Predicate, column: str, rule: str = "") -> str:
    """SQL that is true where the predicate holds for the record in `column`, and false on every other row.

    Raises Inexpressible, naming `rule`, for what Spark cannot say: some regular expressions.
    """
    match term:
        case ir.Keyword(pattern, cased):
            text = _json(f"from_json(concat('[', {column}, ']'), 'array<string>', {_LOUD})[0]")
            whole = (ir.Wildcard.MANY, *pattern, ir.Wildcard.MANY)
            return _any(f"array({text})", _fits("v", whole, cased, rule))
        case ir.FieldRef():
            return _refers(term, column, rule)
        case ir.Exists(field):
            return _is_there(field, column, rule)
    values = _values(term.field, column, rule)
    match term:
        case ir.Null():
            return f"size({values}) = 0"
        case ir.OtherAccount():
            own = _texts(_values("recipientAccountId", column, rule))
            words = f"regexp_extract_all(v, {literal(ACCOUNT_WORD)}, 0)"
            other = f"named RLIKE '^[0-9]{{12}}$' AND NOT array_contains({own}, named)"
            return _any(_texts(values), f"exists({words}, named -> {other})")
        case ir.Text(_, pattern, cased):
            return _any(_texts(values), _fits("v", pattern, cased, rule))
        case ir.Regex(_, expression):
            return _any(_texts(values), f"v RLIKE {literal(java(expression, rule))}")
        case ir.Number(_, number):
            return _any(values, _compares("=", number))
        case ir.Compare(_, op, number):
            return _any(values, _compares(OPERATORS[op], number))
        case ir.Cidr(_, cidr):
            return _any(values, _is_in(cidr))
        case _:
            assert_never(term)


def _any(values: str, test: str) -> str:
    """SQL: one of the values passes `test`, which calls the value v."""
    return f"coalesce(exists({values}, v -> coalesce({test}, false)), false)"


def _let(name: str, value: str, result: str) -> str:
    """SQL: the result, in which `name` stands for the value; worked out once."""
    return f"transform(array({value}), {name} -> {result})[0]"


def _is_there(field: str, column: str, rule: str) -> str:
    """SQL: one of the objects on the way has the field's last key."""
    *way, last = (literal(key, rule) for key in field.split("."))
    key = f"map_contains_key(from_json(v.s, 'map<string,string>', {_LOUD}), {last})"
    return _any(_walked(way, column), f"v.k = 'OB' AND {key}")


def _values(field: str, column: str, rule: str) -> str:
    """SQL for the list of all values at `field` that are not null."""
    return _walked([literal(key, rule) for key in field.split(".")], column)


def _walked(way: Sequence[str], column: str) -> str:
    """SQL for the list of all values that are not null at the end of a way, whose keys are SQL."""
    root = f"filter(array(named_struct('k', 'OB', 's', {column})), x -> x.s IS NOT NULL)"
    if not way:
        return root
    keys = ", ".join(way)
    objects = f"filter({_opened('f')}, x -> x.k = 'OB')"
    step = f"filter(transform({objects}, x -> {_child('x.s', 'q')}), x -> x.k <> 'VO')"
    return _opened(f"aggregate(array({keys}), cast({root} AS {_VALUES}), (f, q) -> cast({step} AS {_VALUES}))")


def _child(text: str, key: str) -> str:
    kind = f"try_element_at(cast(parse_json({text}) AS map<string,variant>), {key})"
    value = f"try_element_at(from_json({text}, 'map<string,string>', {_LOUD}), {key})"
    return f"named_struct('k', {_kind(kind)}, 's', {value})"


def _kind(variant: str) -> str:
    return f"coalesce(left(schema_of_variant({variant}), 2), 'VO')"


def _opened(values: str) -> str:
    """SQL: each of the values and, of a list, everything in it at any depth; as many levels as there are brackets."""
    elements = (
        f"zip_with(from_json(y.s, 'array<string>', {_LOUD}), cast(parse_json(y.s) AS array<variant>), "
        f"(e, w) -> named_struct('k', {_kind('w')}, 's', e))"
    )
    level = f"filter(flatten(transform(filter(o.level, y -> y.k = 'AR'), y -> {elements})), y -> y.k <> 'VO')"
    step = f"named_struct('found', concat(o.found, o.level), 'level', cast({level} AS {_VALUES}))"
    start = f"named_struct('found', cast(array() AS {_VALUES}), 'level', cast(array(z) AS {_VALUES}))"
    depth = "if(z.k = 'AR', length(z.s) - length(replace(z.s, '[', '')), 0)"
    opened = f"aggregate(sequence(0, {depth}), {start}, (o, i) -> {step}, o -> o.found)"
    return f"flatten(transform({values}, z -> {opened}))"


def _texts(values: str) -> str:
    """SQL: the texts that the values are compared as."""
    return (
        f"transform({values}, u -> CASE WHEN u.k IN ('ST', 'BO') THEN u.s "
        f"WHEN u.k IN ('OB', 'AR') THEN {_json('u.s')} ELSE {_number('u.s')} END)"
    )


def _json(text: str) -> str:
    r"""SQL: compact JSON as orjson writes it, with `\"` read as `"`.

    Where a number or an escape may be written in another way, the text is taken apart into lexemes and put together
    again. An escaped backslash is set aside as U+0001, which stands in no JSON text as it is.
    """
    escaped, aside, quote = literal(2 * _BACKSLASH), literal(_ASIDE), literal(_QUOTE)
    string = f"replace({small_escapes(f'replace(p, {escaped}, {aside})', literal)}, {aside}, {escaped})"
    number = f"WHEN p RLIKE '^[-0-9]' THEN {_number('p')}"
    written = f"CASE WHEN startswith(p, {quote}) THEN {string} {number} ELSE p END"
    pieces = f"array_join(transform(regexp_extract_all(j, {literal(_LEXEME)}, 0), p -> {written}), '')"
    odd = f"contains(j, {literal(_BACKSLASH + 'u00')}) OR j RLIKE {literal(_ODD_NUMBER)}"
    whole = f"CASE WHEN {odd} THEN {pieces} ELSE j END"
    return _let("j", text, f"replace({whole}, {literal(_BACKSLASH + _QUOTE)}, {quote})")


def _is_integer(text: str) -> str:
    """SQL: an integer of at most 64 bits, with a sign or without: a larger one is read as a double."""
    bounds = "BETWEEN -9223372036854775808 AND 18446744073709551615"
    return f"{text} RLIKE '^-?[0-9]+$' AND coalesce(try_cast({text} AS decimal(38,0)) {bounds}, false)"


def _is_all(text: str, expression: str) -> str:
    """SQL: the whole text fits an expression that RE2 and Java read alike."""
    return f"{text} RLIKE {literal(f'^(?:{expression})' + _BACKSLASH + 'z')}"


def _number(text: str) -> str:
    """SQL: a JSON number as orjson writes it: integers of 64 bits as they are, the rest as shortest doubles."""
    return f"CASE WHEN {_is_integer(text)} THEN {text} ELSE {_double(text)} END"


def _double(text: str) -> str:
    """SQL: the shortest digits that read as the same double (Java 17 itself may print longer ones), laid out."""
    candidates = ", ".join(f"format_string('%.{digits}e', d)" for digits in range(17))
    shortest = f"filter(array({candidates}), c -> cast(c AS double) = d)[0]"
    sign = f"if(startswith({text}, '-'), '-', '')"
    fixed = (
        "CASE WHEN x BETWEEN 0 AND 15 THEN concat(rpad(left(m, x + 1), x + 1, '0'), '.', "
        "if(length(m) > x + 1, substring(m, x + 2), '0')) "
        "WHEN x BETWEEN -5 AND -1 THEN concat('0.', repeat('0', -x - 1), m) "
        "ELSE concat(left(m, 1), if(length(m) > 1, concat('.', substring(m, 2)), ''), 'e', "
        "if(x < 0, '-', '+'), cast(abs(x) AS string)) END"
    )
    exponent = _let("x", "cast(split(c, 'e')[1] AS int)", fixed)
    mantissa = _let("m", "replace(replace(split(c, 'e')[0], '.', ''), '-', '')", exponent)
    written = f"if(d = 0, '0.0', {_let('c', shortest, mantissa)})"
    return f"concat({sign}, {_let('d', f'cast({text} AS double)', written)})"


def _fits(found: str, pattern: ir.Pattern, cased: bool, rule: str) -> str:
    form = shape(pattern, cased)
    text = literal(form.text, rule)
    found = found if cased or form.test == "anything" else f"lower({found})"
    match form.test:
        case "anything":
            return f"{found} IS NOT NULL"
        case "equals":
            return f"{found} = {text}"
        case "like":
            return f"{found} LIKE {text} ESCAPE '!'"
        case test:
            return f"{test}({found}, {text})"


def _compares(op: Operator, number: int | float) -> str:
    """SQL: v, a number or a string that spells one, stands to `number` in the order `op`; integers exactly."""
    integer = _against("try_cast(v.s AS decimal(38,0))", integer_border(op, number), "decimal(38,0)")
    border = double_border(op, number)
    double = _against("try_cast(v.s AS double)", border, "double")
    bare = f"regexp_replace(v.s, {literal(f'[{_BACKSLASH}t-{_BACKSLASH}r _]')}, '')"
    finite = f"abs(try_cast({bare} AS double)) < double('Infinity')"
    spelt = f"if({_is_all('v.s', NUMBER_TEXT)} AND {finite}, try_cast({bare} AS double), NULL)"
    return (
        f"CASE WHEN v.k = 'ST' THEN {_against(spelt, border, 'double')} WHEN v.k IN ('BO', 'OB', 'AR') THEN false "
        f"WHEN {_is_integer('v.s')} THEN {integer} ELSE {double} END"
    )


def _against(value: str, border: Border, kind: str) -> str:
    if border.always is not None:
        return f"{value} IS NOT NULL" if border.always else "false"
    if kind != "double" and abs(border.number) >= 10**38:
        return f"{value} IS NOT NULL" if (border.op in ("<", "<=")) == (border.number > 0) else "false"
    return f"{value} {border.op} cast('{border.number!r}' AS {kind})"


def _is_in(cidr: str) -> str:
    found = network(cidr)
    if found is None:
        return "false"
    address = "v.s" if found.version == 4 else _ipv6("v.s")
    return f"v.k = 'ST' AND {_is_all(address, found.expression)}"


def _ipv6(text: str) -> str:
    """SQL: an IPv6 address as 32 hex digits, "" for what is none."""
    sides = f"split(split({text}, '%')[0], '::')"
    head, tail = _groups(f"{sides}[0]"), _groups(f"coalesce(try_element_at({sides}, 2), '')")
    joined = _let("h", head, _let("t", tail, "concat(h, repeat('0', 32 - length(h) - length(t)), t)"))
    return f"if({_is_all(text, IPV6_TEXT)}, {joined}, '')"


def _groups(side: str) -> str:
    """SQL: the groups on one side of an address's `::`, as hex digits; an IPv4 address at the end is two."""
    octets = "array_join(transform(split(g, '[.]'), b -> lpad(lower(hex(cast(b AS int))), 2, '0')), '')"
    group = f"if(contains(g, '.'), {octets}, lpad(lower(g), 4, '0'))"
    return f"array_join(transform(filter(split({side}, ':'), g -> g <> ''), g -> {group}), '')"


def _refers(term: ir.FieldRef, column: str, rule: str) -> str:
    ours, theirs = (
        f"transform({_texts(_values(field, column, rule))}, v -> lower(v))" for field in (term.field, term.other)
    )
    test = "a = b" if term.how == "equals" else f"{term.how}(a, b)"
    return f"exists({ours}, a -> exists({theirs}, b -> {test}))"
