"""Real records, damaged at random: nothing crashes, no untouched record is lost, every refusal is complete."""

from __future__ import annotations

import gzip
import json
import random
import sys
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parents[1] / "collect"))
from samples import raw

from sakimori.collect.decode import decode
from sakimori.collect.records import Split, split_records, split_stream

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "cloudtrail"


@cache
def samples() -> list[bytes]:
    """Records of our own, and some of the corpus where it is there, each different from all others."""
    found = {raw(number) for number in range(6)}
    for file in sorted(CORPUS.glob("attacks/aws*.json")):
        found |= {orjson.dumps(record) for record in json.loads(file.read_bytes())[:4]}
    for file in sorted(CORPUS.glob("*/*.jsonl"))[:2]:
        found |= {line.strip() for line in file.read_bytes().splitlines()[:40]}
    return sorted(record for record in found if len(record) < 6000 and split_records(record, "p").records == [record])


FORMS: dict[str, tuple[bytes, bytes, bytes]] = {
    "Records": (b'{"Records":[', b",", b"]}"),
    "array": (b"[\n", b",\n", b"\n]"),
    "lines": (b"", b"\n", b"\n"),
}

records_strategy = st.lists(st.integers(0, 10_000), min_size=1, max_size=6, unique=True)


def chosen(numbers: list[int]) -> list[bytes]:
    known = samples()
    return list(dict.fromkeys(known[number % len(known)] for number in numbers))


def check(split: Split, path: str) -> None:
    for refusal in split.refusals:
        assert refusal.path == path
        assert refusal.offset >= 0
        assert refusal.reason
        str(refusal).encode()
    for record in split.records:
        orjson.loads(record)
        msgspec.json.decode(record)
        assert isinstance(json.loads(record), dict)


@settings(max_examples=200, deadline=None)
@given(records_strategy, st.sampled_from(sorted(FORMS)))
def test_clean_text_gives_what_a_plain_json_parser_gives(numbers: list[int], form: str) -> None:
    before, between, after = FORMS[form]
    text = before + between.join(chosen(numbers)) + after
    split = split_records(text, "p")
    plain: Any = [json.loads(line) for line in text.splitlines()] if form == "lines" else json.loads(text)
    assert [json.loads(record) for record in split.records] == (plain["Records"] if form == "Records" else plain)
    assert split.refusals == []


@settings(max_examples=800, deadline=None)
@given(
    records_strategy,
    st.sampled_from(sorted(FORMS)),
    st.integers(0, 5),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 40),
    st.one_of(
        st.binary(max_size=8), st.sampled_from([b'"', b"{", b"}", b"[", b"]", b"\\", b",", b":", b"\n", b'{"', b'"}'])
    ),
)
@example([0, 1], "Records", 0, 0.859375, 25, b"")  # what is left of the first takes the second in
def test_one_damaged_record_costs_no_other(
    numbers: list[int], form: str, victim: int, place: float, cut: int, put: bytes
) -> None:
    records = chosen(numbers)
    victim %= len(records)
    at = int(place * len(records[victim]))
    damaged = records[victim][:at] + put + records[victim][at + cut :]
    before, between, after = FORMS[form]
    text = before + between.join([*records[:victim], damaged, *records[victim + 1 :]]) + after
    split = split_records(text, "p")
    check(split, "p")
    kept = set(split.records)
    assert [record for record in records[:victim] + records[victim + 1 :] if record not in kept] == []


@settings(max_examples=300, deadline=None)
@given(records_strategy, st.sampled_from(sorted(FORMS)), st.data())
def test_bytes_changed_anywhere_never_crash_it(numbers: list[int], form: str, data: st.DataObject) -> None:
    before, between, after = FORMS[form]
    text = bytearray(before + between.join(chosen(numbers)) + after)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not text:
            break
    decoded = decode(bytes(text), "p")
    split = split_records(decoded.text, "p")
    check(split, "p")
    streamed = list(split_stream((decoded.text[at : at + 97] for at in range(0, len(decoded.text), 97)), "p"))
    assert [record for part in streamed for record in part.records] == split.records


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
@example(b"[" * 100_000)
@example(b'{"Records":[' * 10_000)
@example(b'{"eventName":' * 10_000)
@example(b'{"message":"{' * 1000)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    decoded = decode(data, "p")
    split = split_records(decoded.text, "p")
    check(split, "p")
    assert split.records or split.refusals or decoded.refusals or json.loads(decoded.text) in ([], {"Records": []})


@settings(max_examples=200, deadline=None)
@given(records_strategy, st.data())
def test_damaged_gzip_never_crashes_and_is_always_told(numbers: list[int], data: st.DataObject) -> None:
    text = b"\n".join(chosen(numbers))
    packed = bytearray(gzip.compress(text, mtime=0))
    at = data.draw(st.integers(10, len(packed) - 1))
    before = packed[at]
    packed[at] ^= data.draw(st.integers(1, 255))
    decoded = decode(bytes(packed), "p")
    assert decoded.text == text or decoded.refusals, (at, before)
    check(split_records(decoded.text, "p"), "p")


WRONG: tuple[Any, ...] = (None, True, 0, -1.5, 10**30, "", "x", [], [1, [2]], {}, {"a": {"b": None}})


def _mutated(value: Any, source: random.Random) -> Any:
    """`value` with one part of it, at any depth, replaced by something of any type."""
    if isinstance(value, dict) and value and source.random() < 0.8:
        key = source.choice(sorted(value))
        return {**value, key: _mutated(value[key], source)}
    if isinstance(value, list) and value and source.random() < 0.8:
        index = source.randrange(len(value))
        return [*value[:index], _mutated(value[index], source), *value[index + 1 :]]
    return source.choice(WRONG)


@settings(max_examples=300, deadline=None)
@given(records_strategy, st.randoms(use_true_random=False))
def test_wrong_structure_inside_a_record_is_kept_or_named_and_costs_no_other(
    numbers: list[int], source: random.Random
) -> None:
    records = chosen(numbers)
    victim = source.randrange(len(records))
    record = json.loads(records[victim])
    field = source.choice(sorted(record))
    changed = json.dumps({**record, field: _mutated(record[field], source)}).encode()
    around = records[:victim] + records[victim + 1 :]
    split = split_records(
        b'{"Records":[' + b",".join([*records[:victim], changed, *records[victim + 1 :]]) + b"]}", "p"
    )
    check(split, "p")
    assert [found for found in split.records if found != changed] == around
    assert (changed in split.records) == (split.refusals == [])
