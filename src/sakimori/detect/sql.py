"""A rule's condition as a SQL expression over lake rows, for DuckDB and for Spark: hunts and backtests by rule.

`where` gives the exact answer, from the text of the record alone. `prune` gives a necessary condition on typed columns,
which spares the reading of the text: put `prune(...) AND where(...)` behind WHERE. Both are true or false on every row,
never NULL, and whatever a rule file says ends up in string constants only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from sakimori.detect import ir, sql_duckdb, sql_spark
from sakimori.detect.literals import Cover, covers
from sakimori.detect.sql_duckdb_macros import setup_statements as duckdb_macros
from sakimori.detect.sql_prune import necessary
from sakimori.detect.sql_terms import Inexpressible

__all__ = ["Dialect", "Inexpressible", "prune", "setup_statements", "where"]

Dialect = Literal["duckdb", "spark"]

_PREDICATES: dict[Dialect, Callable[[ir.Predicate, str, str], str]] = {
    "duckdb": sql_duckdb.predicate,
    "spark": sql_spark.predicate,
}
_FINDS: dict[Dialect, Callable[[str, str], str]] = {"duckdb": sql_duckdb.finds, "spark": sql_spark.finds}
_LITERALS: dict[Dialect, Callable[[str, str], str]] = {"duckdb": sql_duckdb.literal, "spark": sql_spark.literal}

_MAX_COVERS = 3
_MAX_LITERALS = 200
_COMMON = 0.5
"""A string that more of the records hold than this is not worth looking for: the look costs a third of an answer."""


def setup_statements(dialect: Dialect) -> tuple[str, ...]:
    """What must be run once on a connection before a `where` of this dialect is; may be run again."""
    return duckdb_macros() if dialect == "duckdb" else sql_spark.setup_statements()


def where(condition: ir.Condition, dialect: Dialect, *, column: str = "raw_data", rule: str = "") -> str:
    """SQL that is true for exactly the rows whose record, as JSON text in `column`, fulfils the condition.

    `column` is SQL and must not come from outside. The text must be one that orjson reads, without a key twice in one
    object. Raises Inexpressible, naming `rule`, for what the dialect cannot say.
    """
    exact = _tree(condition, dialect, column, rule)
    looks = [_look(cover, dialect, column) for cover in covers(condition) if _is_worth_a_look(cover)][:_MAX_COVERS]
    if not looks:
        return exact
    return f"CASE WHEN {' AND '.join(looks)} OR {_hides(dialect, column)} THEN {exact} ELSE false END"


def prune(condition: ir.Condition, dialect: Dialect, *, rule: str = "") -> str | None:
    """SQL over the lake's typed columns that is true for every row which fulfils the condition, and for few others.

    None if the typed columns cannot tell.
    """
    quote = '"' if dialect == "duckdb" else "`"
    return necessary(condition, lambda text: _LITERALS[dialect](text, rule), quote)


def _tree(condition: ir.Condition, dialect: Dialect, column: str, rule: str) -> str:
    """The condition without a parenthesis at its start: Spark's parser takes exponential time over nested ones."""
    match condition:
        case ir.And(children):
            both = " AND ".join(_tree(child, dialect, column, rule) for child in children)
            return f"CASE WHEN {both or 'true'} THEN true ELSE false END"
        case ir.Or(children):
            either = " OR ".join(_tree(child, dialect, column, rule) for child in children)
            return f"CASE WHEN {either or 'false'} THEN true ELSE false END"
        case ir.Not(child):
            return f"CASE WHEN {_tree(child, dialect, column, rule)} THEN false ELSE true END"
        case _:
            return _PREDICATES[dialect](condition, column, rule)


def _is_worth_a_look(cover: Cover) -> bool:
    return cover.share <= _COMMON and len(cover.literals) <= _MAX_LITERALS


def _look(cover: Cover, dialect: Dialect, column: str) -> str:
    """SQL: the raw text shows one of the literals, in any letter case."""
    literals = "|".join(re.escape(literal.decode()) for literal in sorted(cover.literals))
    return _FINDS[dialect](column, f"(?i:{literals})")


def _hides(dialect: Dialect, column: str) -> str:
    """SQL: the raw text may hold a string without showing it: an ASCII character is escaped, or a letter is none."""
    size = "strlen" if dialect == "duckdb" else "octet_length"
    escapes = [_LITERALS[dialect](escape, "") for escape in ("\\u", "\\/")]
    found = " OR ".join(f"contains({column}, {escape})" for escape in escapes)
    return f"{size}({column}) > length({column}) OR {found}"
