"""The SQL that rules compile to, on DuckDB, against the obviously right evaluator: pair by pair, no row left out."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pytest

import plain
import sakimori.detect
from corpus import cloudtrail_records, corpus
from random_rules import random_condition, random_record
from sakimori.collect.cloudtrail import activity_batch
from sakimori.detect import ir
from sakimori.detect.sigma import load_file
from sakimori.detect.sql import prune, setup_statements, where

RECORDS, CONDITIONS, BATCH = 300, 240, 12
"""72,000 pairs a seed; the conditions of a batch share one query."""


def as_text(at: int, record: Any) -> str:
    """A record's JSON as one writer or another would have it."""
    writers = (
        lambda: orjson.dumps(record).decode(),
        lambda: json.dumps(record),
        lambda: json.dumps(record, indent=1, ensure_ascii=False),
        lambda: orjson.dumps(record).decode().replace("/", r"\/").replace("e", "E" if at % 8 < 4 else "e"),
        lambda: json.dumps(record).replace("a", "\\u0061").replace("K", "\\u212A"),
    )
    text = writers[at % len(writers)]()
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:  # true became truE, say
        return orjson.dumps(record).decode()
    return text


def batches(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [items[at : at + size] for at in range(0, len(items), size)]


def answers(texts: Sequence[str], expressions: Sequence[str]) -> list[tuple[Any, ...]]:
    """One row a text, one column an expression."""
    connection = duckdb.connect()
    for statement in setup_statements("duckdb"):
        connection.execute(statement)
    connection.register("lake", pa.table({"line": range(len(texts)), "raw_data": pa.array(texts, pa.string())}))
    parts = [
        connection.execute(f"SELECT {', '.join(batch)} FROM lake ORDER BY line").fetchall()
        for batch in batches(expressions, BATCH)
    ]
    return [tuple(itertools.chain.from_iterable(row)) for row in zip(*parts, strict=True)]


def assert_agree(texts: Sequence[str], conditions: Sequence[ir.Condition]) -> int:
    """Every pair has plain's answer, and none is NULL. Gives the number of pairs that match."""
    records = [orjson.loads(text) for text in texts]
    found = answers(texts, [where(condition, "duckdb") for condition in conditions])
    for record, text, row in zip(records, texts, found, strict=True):
        for condition, answer in zip(conditions, row, strict=True):
            assert answer is plain.holds(condition, record), f"{condition}\n{text}"
    return sum(sum(row) for row in found)


@pytest.mark.parametrize("seed", range(3))
def test_random_conditions_on_random_records(seed: int) -> None:
    rng = Random(seed)
    texts = [as_text(at, random_record(rng)) for at in range(RECORDS)]
    matched = assert_agree(texts, [random_condition(rng) for _ in range(CONDITIONS)])
    assert 0.1 < matched / (RECORDS * CONDITIONS) < 0.9, "pairs that nearly all agree by saying no prove little"


def rules(folder: Path) -> Iterator[ir.Rule]:
    for file in sorted(folder.rglob("*.yml")):
        yield from (loaded for loaded in load_file(file) if isinstance(loaded, ir.Rule))


def test_sigmahq_rules_on_real_records() -> None:
    conditions = [rule.condition for rule in rules(corpus("sigma/aws/cloudtrail"))]
    texts = [as_text(at % 3, record) for at, record in enumerate(cloudtrail_records())]
    assert assert_agree(texts, conditions) > 0


def test_our_rules_on_real_records() -> None:
    conditions = [rule.condition for rule in rules(Path(sakimori.detect.__file__).parent / "rules")]
    texts = [as_text(at % 3, record) for at, record in enumerate(Random(0).sample(cloudtrail_records(), 600))]
    assert assert_agree(texts, conditions) > 0


def test_no_row_that_matches_is_pruned() -> None:
    rng = Random(7)
    conditions = [random_condition(rng) for _ in range(1500)]
    pruned = [(condition, test) for condition in conditions if (test := prune(condition, "duckdb"))]
    records = [orjson.loads(orjson.dumps(random_record(rng))) for _ in range(RECORDS)]
    lake = pa.Table.from_batches([activity_batch([orjson.dumps(record) for record in records])])
    connection = duckdb.connect()
    connection.register("lake", lake)
    passed_over = 0
    for batch in batches(pruned, 50):
        query = f"SELECT {', '.join(test for _, test in batch)} FROM lake"
        for record, row in zip(records, connection.execute(query).fetchall(), strict=True):
            for (condition, test), kept in zip(batch, row, strict=True):
                assert isinstance(kept, bool)
                assert kept or not plain.holds(condition, record), f"{condition}\n{test}\n{record}"
                passed_over += not kept
    assert passed_over > RECORDS * len(pruned) / 10


@pytest.mark.parametrize(
    "name", ["\\u212aeyDeleted", "\u212aeyDeleted", "\\u004beyDeleted", "KEYdeleted", "\\u004BEY\\u0064eleted"]
)
def test_no_spelling_of_a_letter_slips_past_the_first_look(name: str) -> None:
    condition = ir.Text("eventName", ("keydeleted",))
    assert assert_agree([f'{{"eventName":"{name}"}}'], [condition]) == 1
