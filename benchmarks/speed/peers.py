"""Two other ways to run the same Sigma rules over the same file, in one process.

    peers.py sqlite|functions|sakimori RULES FILE    prints {"cpu": seconds of the pass, "records": n, "hits": n}

`sqlite` is pySigma's SQLite backend: records flattened into one table, one query a rule. `functions` is one Python
function per rule over orjson's dictionaries, which is how Panther and StreamAlert work; the functions are written
here, from the rules, as a person would write them. Reading, decompressing and parsing is part of every pass; loading
and translating the rules is not.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import deflate
import orjson

from sakimori.detect import ir, rulebook

Event = dict[str, Any]


def read(path: str) -> list[Event]:
    records: list[Event] = orjson.loads(deflate.gzip_decompress(Path(path).read_bytes()))["Records"]
    return records


# ---- pySigma's SQLite backend


def sqlite_queries(folder: Path) -> list[str]:
    from sigma.backends.sqlite import sqlite
    from sigma.collection import SigmaCollection
    from sigma.exceptions import SigmaError

    backend = sqlite.sqliteBackend()  # type: ignore[no-untyped-call]
    found = []
    for file in sorted(folder.glob("*.yml")):
        try:
            found += backend.convert(SigmaCollection.from_yaml(file.read_text(encoding="utf-8")))
        except (SigmaError, NotImplementedError) as error:
            print(f"{file.name}: {error}", file=sys.stderr)
    return [str(query).replace("SELECT *", "SELECT count(*)", 1).replace("<TABLE_NAME>", "logs") for query in found]


def sqlite_pass(queries: list[str], fields: set[str], path: str) -> tuple[int, int]:
    rows = [dict(_flat("", record)) for record in read(path)]
    columns = sorted({key for row in rows for key in row} | fields)
    database = sqlite3.connect(":memory:")
    database.create_function("regexp", 2, lambda wanted, value: value is not None and bool(re.search(wanted, value)))
    names = ", ".join(f"`{column}` TEXT COLLATE NOCASE" for column in columns)
    database.execute(f"CREATE TABLE logs ({names})")
    marks = ", ".join("?" * len(columns))
    values = ([row.get(column) for column in columns] for row in rows)
    database.executemany(f"INSERT INTO logs VALUES ({marks})", values)
    return len(rows), sum(database.execute(query).fetchone()[0] for query in queries)


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str | None]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else key, child)
    elif isinstance(value, str) or value is None:
        yield prefix, value
    else:
        yield prefix, orjson.dumps(value).decode()


# ---- one function per rule


def deep_get(event: Event, *keys: str) -> Any:
    value: Any = event
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()


def in_network(value: Any, network: str) -> bool:
    try:
        return ip_address(value) in ip_network(network)
    except ValueError:
        return False


def function(rule: ir.Rule) -> Callable[[Event], bool]:
    source = f"def rule(event):\n    return bool({_source(rule.condition)})\n"
    scope: dict[str, Any] = {"deep_get": deep_get, "as_text": as_text, "in_network": in_network, "re": re}
    exec(source, scope)
    made: Callable[[Event], bool] = scope["rule"]
    return made


def _source(condition: ir.Condition) -> str:
    match condition:
        case ir.And(children):
            return "(" + " and ".join(map(_source, children)) + ")"
        case ir.Or(children):
            return "(" + " or ".join(map(_source, children)) + ")"
        case ir.Not(child):
            return f"(not {_source(child)})"
        case ir.Keyword(pattern):
            return _text_source("json.dumps(event)", (ir.Wildcard.MANY, *pattern, ir.Wildcard.MANY))
    value = f"deep_get(event, {', '.join(map(repr, condition.field.split('.')))})"
    match condition:
        case ir.Text(_, pattern):
            return _text_source(f"as_text({value}).lower()", pattern)
        case ir.Regex(_, expression):
            return f"re.search({expression!r}, as_text({value}))"
        case ir.Null():
            return f"({value} is None)"
        case ir.Cidr(_, network):
            return f"in_network({value}, {network!r})"
        case ir.FieldRef(_, other):
            return f"({value} is not None and {value} == deep_get(event, {', '.join(map(repr, other.split('.')))}))"
        case ir.Number(_, number):
            return f"(as_text({value}) == {str(number)!r})"
    raise NotImplementedError(type(condition).__name__)


def _text_source(value: str, pattern: ir.Pattern) -> str:
    match pattern:
        case (str() as only,):
            return f"({value} == {only.lower()!r})"
        case (ir.Wildcard.MANY, str() as part, ir.Wildcard.MANY):
            return f"({part.lower()!r} in {value})"
        case (str() as head, ir.Wildcard.MANY):
            return f"{value}.startswith({head.lower()!r})"
        case (ir.Wildcard.MANY, str() as tail):
            return f"{value}.endswith({tail.lower()!r})"
    signs = {ir.Wildcard.MANY: ".*", ir.Wildcard.ONE: "."}
    whole = "".join(signs[part] if isinstance(part, ir.Wildcard) else re.escape(part.lower()) for part in pattern)
    return f"re.fullmatch({whole!r}, {value}, re.S)"


def functions_pass(functions: list[Callable[[Event], bool]], path: str) -> tuple[int, int]:
    records = read(path)
    return len(records), sum(rule(record) for record in records for rule in functions)


def sakimori_pass(book: rulebook.Rulebook, path: str) -> Callable[[], tuple[int, int]]:
    from sakimori.collect.sources import SourceObject, find_objects
    from sakimori.detect.detection import Detector

    detector = Detector(book)
    (source,) = (found for found in find_objects([path]) if isinstance(found, SourceObject))

    def detection() -> tuple[int, int]:
        look = detector.look_at(source)
        return look.records, look.matched

    return detection


def prepared_pass(peer: str, rules: Path, path: str) -> Callable[[], tuple[int, int]]:
    """The peer's pass, its rules loaded and translated."""
    if peer == "sqlite":
        queries = sqlite_queries(rules)
        # What no record has must be a column all the same.
        fields = {field for query in queries for field in re.findall(r"`([^`]+)`", query)}
        fields |= {field for query in queries for field in re.findall(r"\b(\w+)(?:=| IS | LIKE | REGEXP | IN )", query)}
        return lambda: sqlite_pass(queries, fields, path)
    book = rulebook.load([rules], pack=False)
    if peer == "functions":
        functions = [function(rule) for rule in book.rules]
        return lambda: functions_pass(functions, path)
    return sakimori_pass(book, path)


if __name__ == "__main__":
    run = prepared_pass(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
    began = time.process_time()
    records, hits = run()
    print(json.dumps({"cpu": time.process_time() - began, "records": records, "hits": hits}))
