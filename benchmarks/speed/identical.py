"""Whether the engine and the plain evaluator of the tests find the same, record by record.

identical.py RULES COUNT_PER_FILE FILE...    prints {"records": n, "hits": n, "different": [...]}
"""

from __future__ import annotations

import json
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

import deflate
import orjson

from sakimori.cli.home import home
from sakimori.collect.workers import in_parallel
from sakimori.detect import rulebook
from sakimori.detect.engine import Engine, Matched
from sakimori.detect.reading import Told

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from plain import holds

PROCESSES = 2

re._MAXCACHE = 1 << 16  # type: ignore[attr-defined]
"""The plain evaluator compiles its patterns anew for every value; `re` remembers 512, and the rules have more."""


class _Taker:
    """Keeps of each record that was hit its event id and the rules (by index, ascending)."""

    def __init__(self) -> None:
        self.hits: dict[str, tuple[int, ...]] = {}

    def take(self, hit: Told, matched: Matched) -> None:
        self.hits[orjson.loads(hit.raw)["eventID"]] = tuple(rule for rule, _ in matched)


def compare(book: rulebook.Rulebook, engine: Engine, count: int, path: str) -> tuple[int, int, list[str]]:
    """(records, hits, event ids that differ) of the file's first `count` records."""
    text = deflate.gzip_decompress(Path(path).read_bytes())
    records: list[dict[str, Any]] = orjson.loads(text)["Records"][:count]
    part = orjson.dumps({"Records": records})
    fast = engine.scan(part, path, _Taker)
    plain: dict[str, tuple[int, ...]] = {}
    for record in records:
        rules = tuple(index for index, rule in enumerate(book.rules) if holds(rule.condition, record))
        if rules:
            plain[record["eventID"]] = rules
    if fast.records != len(records):
        return fast.records, 0, [f"{path}: {fast.records} of {len(records)} records were read"]
    found = fast.taker.hits
    differ = sorted(event for event in plain.keys() | found.keys() if plain.get(event) != found.get(event))
    return len(records), sum(map(len, plain.values())), differ


def main(rules: str, count: int, paths: list[str]) -> None:
    book = rulebook.load([Path(rules)], pack=False, cache=home() / "cache")
    work = partial(compare, book, Engine(book.rules), count)
    parts = [part for _, part in in_parallel(work, paths, PROCESSES)]
    answer = {
        "records": sum(records for records, _, _ in parts),
        "hits": sum(hits for _, hits, _ in parts),
        "different": [event for _, _, differ in parts for event in differ],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])
