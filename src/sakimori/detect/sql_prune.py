"""What a rule's condition says of the lake's typed columns: enough to pass over most rows without their text.

A typed column is null where the record's value is missing or of another type than the column, so null proves nothing,
and every test lets it through. Where the column is not null it is the record's value as it stands.
"""

from __future__ import annotations

from collections.abc import Callable

from sakimori.detect import ir
from sakimori.detect.sql_terms import like_escaped, shape
from sakimori.model.record import COLUMNS

_TYPED = {
    column.source: (column.name, column.type)
    for column in COLUMNS
    if column.source and "[]" not in column.name and column.type in ("string", "bool")
}

KELVIN = "\u212a"
"""The one letter beyond ASCII whose lower case is an ASCII letter and nothing more: k."""


def necessary(condition: ir.Condition, literal: Callable[[str], str], quote: str) -> str | None:
    """SQL that holds wherever the condition does, else None; `quote` goes around names, `literal` makes constants."""
    match condition:
        case ir.And(children):
            tests = [test for child in children if (test := necessary(child, literal, quote))]
            return f"({' AND '.join(tests)})" if tests else None
        case ir.Or(children):
            tests = [test for child in children if (test := necessary(child, literal, quote))]
            return f"({' OR '.join(tests)})" if tests and len(tests) == len(children) else None
        case ir.Text(field, pattern, cased) if field in _TYPED:
            name, kind = _TYPED[field]
            column = ".".join(f"{quote}{part}{quote}" for part in name.split("."))
            test = _text(column, pattern, cased, literal) if kind == "string" else _bool(column, pattern, cased)
            return f"({column} IS NULL OR {test})" if test else None
        case ir.Null(field) if field in _TYPED:
            return ".".join(f"{quote}{part}{quote}" for part in _TYPED[field][0].split(".")) + " IS NULL"
        case _:
            return None


def _bool(column: str, pattern: ir.Pattern, cased: bool) -> str | None:
    """A pattern without wildcards is one of a boolean's two texts, or no boolean's."""
    form = shape(pattern, cased)
    if form.test != "equals":
        return None
    return {"true": column, "false": f"NOT {column}"}.get(form.text, "false")


def _text(column: str, pattern: ir.Pattern, cased: bool, literal: Callable[[str], str]) -> str | None:
    """ASCII only: there every engine's lower case agrees with Python's, or turns more letters into ASCII ones."""
    form = shape(pattern, cased)
    if form.test in ("anything", "like") or not form.text or not (form.text.isascii() and form.text.isprintable()):
        return None
    found = column if cased else f"lower({column})"
    if form.test == "equals":
        return f"{_between(column, form.text, cased, literal)} AND {found} = {literal(form.text)}"
    inside = like_escaped(form.text)
    if form.test == "startswith":
        return f"{_between(column, form.text, cased, literal)} AND {found} LIKE {literal(inside + '%')} ESCAPE '!'"
    return f"{found} LIKE {literal(f'%{inside}' if form.test == 'endswith' else f'%{inside}%')} ESCAPE '!'"


def _between(column: str, start: str, cased: bool, literal: Callable[[str], str]) -> str:
    """Where a text that starts so, in any letter case, stands in byte order: what a row group's bounds are held to.

    In byte order capitals come before small letters, and everything in ASCII before everything else.
    """
    first, last = (start, start) if cased else (start.upper(), start)
    if not cased:
        last = last.rstrip("i")  # a capital dotted I at the end starts, in lower case, with an i
        last = last.partition("k")[0] + KELVIN if "k" in last else last
    within = f"{column} >= {literal(first)}"
    return f"{within} AND {column} < {literal(last[:-1] + chr(ord(last[-1]) + 1))}" if last else within
