"""The SQL that rules compile to, on Spark, against the obviously right evaluator; needs PySpark and Java."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from random import Random
from typing import Any

import orjson
import pytest
import re2

import plain
from corpus import cloudtrail_records, corpus
from random_rules import random_condition, random_record
from sakimori.detect import ir
from sakimori.detect.sigma import load_file
from sakimori.detect.sql import Inexpressible, setup_statements, where
from sakimori.detect.sql_java_regex import java

pytestmark = pytest.mark.spark

RECORDS, CONDITIONS, BATCH = 200, 50, 5


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    pytest.importorskip("pyspark", reason="PySpark is not installed")
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    for statement in setup_statements("spark"):
        session.sql(statement)
    yield session
    session.stop()


def assert_agree(spark: Any, texts: list[str], conditions: list[ir.Condition]) -> int:
    """Every pair has plain's answer, and none is NULL. Gives the number of pairs that match."""
    records = [orjson.loads(text) for text in texts]
    lake = spark.createDataFrame(list(enumerate(texts)), "line int, raw_data string").coalesce(1)
    lake.createOrReplaceTempView("lake")
    matched = 0
    for at in range(0, len(conditions), BATCH):
        batch = conditions[at : at + BATCH]
        columns = ", ".join(f"{where(condition, 'spark')} AS c{number}" for number, condition in enumerate(batch))
        for line, *answers in spark.sql(f"SELECT line, {columns} FROM lake").collect():
            for condition, answer in zip(batch, answers, strict=True):
                assert answer is plain.holds(condition, records[line]), f"{condition}\n{texts[line]}"
                matched += answer
    return matched


def test_random_conditions_on_random_records(spark: Any) -> None:
    rng = Random(0)
    records = [random_record(rng) for _ in range(RECORDS)]
    texts = [json.dumps(record) if at % 2 else orjson.dumps(record).decode() for at, record in enumerate(records)]
    matched = assert_agree(spark, texts, [random_condition(rng) for _ in range(CONDITIONS)])
    assert 0.1 < matched / (RECORDS * CONDITIONS) < 0.9


def test_sigmahq_rules_on_real_records(spark: Any) -> None:
    loaded = [rule for file in sorted(corpus("sigma/aws/cloudtrail").rglob("*.yml")) for rule in load_file(file)]
    conditions = [rule.condition for rule in loaded if isinstance(rule, ir.Rule)]
    records = Random(0).sample(cloudtrail_records(), 300)
    assert_agree(spark, [orjson.dumps(record).decode() for record in records], conditions)


def test_letters_fold_alike(spark: Any) -> None:
    """All that this Python's Unicode knows; Spark's may know newer ones."""
    letters = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) not in ("Cs", "Cn")]
    spark.createDataFrame([(letter,) for letter in letters], "letter string").createOrReplaceTempView("letters")
    found = spark.sql("SELECT letter, lower(letter) FROM letters").collect()
    assert [letter for letter, lowered in found if lowered != letter.lower()] == []


PIECES = r"""
a b A k s K ſ é \d \w \s \S \D \b \B ^ $ . \A \z (?i) (?s) (?m) (?-i) (?i: (?: ( (?P<n> ) ) ) | * + ? {2} {1,} {0,2} *?
+? { } {,2} [ab] [^a] [a-c] [\s\S] [^\s] [[:alpha:]] [[:^digit:]] []a] [^]a] [a-] [\]a] [k-s] [\w.] [\x41-\x5a] \x41
\x{e9} \n \t \. \- \/ \" \Qa.b\E \Q* 1 _ [k] [^k] [A-Z] \141 \0 \pL \C
"""
TEXTS = ["", "\n", "a\n", "\na", "a\nb", "\r", "a\rb", "a b", "B\n", "\n\n", "\t", "\x0b", "\x85", "\u2028", "\u017f"]
MORE_TEXTS = "a ab b A k K \u212a s é É _ 1a aa AA a.b * ab1_ \U0001f600 a\U0001f600b ] { a{,2} \\ -"


def test_regular_expressions_mean_the_same_in_java(spark: Any) -> None:
    rng, options, compared = Random(3), re2.Options(), 0
    options.log_errors = False
    compile_java = spark._jvm.java.util.regex.Pattern.compile
    while compared < 1000:
        pattern = "".join(rng.choice(PIECES.split()) for _ in range(rng.randrange(1, 6)))
        try:
            ours, theirs = re2.compile(pattern, options), compile_java(java(pattern))
        except (re2.error, Inexpressible):
            continue
        compared += 1
        for text in rng.sample(TEXTS + MORE_TEXTS.split(), 8):
            assert theirs.matcher(text).find() == (ours.search(text) is not None), f"{pattern!r} in {text!r}"


@pytest.mark.parametrize("pattern", [r"\pL", r"\p{Greek}", r"(?i)é", r"(?i)\W", r"\C", "a(?i)*"])
def test_what_java_reads_otherwise_is_refused_by_name(pattern: str) -> None:
    with pytest.raises(Inexpressible, match="my_rule: ") as refused:
        where(ir.Regex("eventName", pattern), "spark", rule="my_rule")
    assert repr(pattern) in refused.value.what
