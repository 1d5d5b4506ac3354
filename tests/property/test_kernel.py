"""The kernel against JSON parsers of standing, on texts that are nearly right; and that it never reads past a text."""

from __future__ import annotations

import ctypes
import json
import mmap
from collections.abc import Iterator
from random import Random
from typing import Any

import orjson
import pytest
import simdjson

from random_rules import random_condition, random_record
from sakimori.detect import ir, kernel
from sakimori.detect.engine import Engine
from sakimori.detect.kernel import Kernel, NotClean
from sakimori.detect.tables import Report, prepared

EVERY_RECORD = ir.Null("no.such.field")
HEAD: dict[str, Any] = {"eventVersion": "1.10", "eventName": "GetObject", "eventID": "1"}
PARAMETERS = (
    {"a": 1, "b": [1, "x", None, True, {"a": -0.5e-7}], "c": {}},
    {"text": 'tab\t quote" back\\\\ slash/ é \u2028 \U0001f600', "empty": "", "list": []},
    {"deep": [[[[{"x": [{}, [], [[]]]}]]]], "n": [0, -1, 1.5, 10**17, -1e15]},
    {"a key that is longer than thirty-two characters": "v", "k" * 300: {"k" * 300: 1}},
)

INSERTED = (b"\\", b'"', b"\\u00e9", b"\\ud83d", b"\\ude00", b"0", b"1e400", b",", b"}", b"]")


def accepted(engine: Kernel, text: bytes) -> int | None:
    """How many records the kernel sees in a text; None if it leaves it to others."""
    try:
        count, told, *_ = engine.scan(text, 0, len(text), check=True)
    except NotClean:
        return None
    assert [number for number, *_ in json.loads(told)] == list(range(count))
    return count


def strictly(text: bytes) -> list[Any]:
    """What Python's own parser makes of `record,record`. Raises ValueError, also where a key is there twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("twice")
        return dict(pairs)

    found: list[Any] = json.loads(b"[" + text + b"]", object_pairs_hook=once)
    return found


def seeds(rng: Random) -> Iterator[bytes]:
    records = [HEAD | {"requestParameters": rng.choice(PARAMETERS)} for _ in range(rng.randrange(1, 4))]
    ascii_only = rng.random() < 0.5
    yield ",".join(json.dumps(each, separators=(",", ":"), ensure_ascii=ascii_only) for each in records).encode()


def mutated(rng: Random, text: bytes) -> bytes:
    """The text with a few bytes or stretches changed, left out, doubled or swapped."""
    found = bytearray(text)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at, end = sorted((rng.randrange(len(found) + 1), rng.randrange(len(found) + 1)))
        match rng.randrange(6):
            case 0 if at < len(found):
                found[at] = rng.choice(b'"\\{}[]:,0123456789.eE+-tfnu \n\x00\x1f\x7f\x80\xc3\xa9\xed\xa0\xff')
            case 1:
                del found[at : at + rng.randrange(1, 4)]
            case 2:
                found[at:at] = rng.choice(
                    (b"\\", b'"', b"\\u00e9", b"\\ud83d", b"\\ude00", b"0", b"1e400", b",", b"}", b"]")
                )
            case 3:
                found[at:at] = found[at : min(end, at + 40)]
            case 4:
                del found[end:]
            case _:
                found[at:end] = found[at:end][::-1]
        if not found:
            return b"x"
    return bytes(found)


@pytest.fixture(params=[0, 1, 2], ids=["128", "256", "512"])
def level(request: pytest.FixtureRequest) -> Iterator[int]:
    """Each kind of processor's own loops, as far as this processor has them."""
    Kernel(prepared([EVERY_RECORD]))
    in_use = ctypes.c_int.in_dll(kernel._library(), "kernel_level")
    usual = in_use.value
    if usual < request.param:
        pytest.skip("this processor has no vectors of that width")
    in_use.value = request.param
    yield request.param
    in_use.value = usual


def test_what_it_accepts_every_parser_accepts(level: int) -> None:
    rng = Random(level)
    engine = Kernel(prepared([EVERY_RECORD]))
    parser = simdjson.Parser()
    taken = left = 0
    for _ in range(12_000):
        for seed in seeds(rng):
            text = mutated(rng, seed)
            count = accepted(engine, text)
            if count is None:
                left += 1
                continue
            taken += 1
            records = strictly(text)
            assert len(records) == count == len(parser.parse(b"[" + text + b"]"))
            assert orjson.loads(b"[" + text + b"]") == records or "e" in text.decode()
            assert all(isinstance(record["eventName"], str) for record in records)
    assert taken > 1000
    assert left > 1000


def test_clean_texts_are_accepted_with_ever_new_keys() -> None:
    rng = Random(3)
    engine = Kernel(prepared([EVERY_RECORD]))
    for _ in range(600):
        records = []
        for _ in range(20):
            keys = [f"key{rng.randrange(5000)}" for _ in range(rng.randrange(12))]
            records.append(HEAD | {"requestParameters": {key: {inner: 1 for inner in keys} for key in keys}})
        text = b",".join(map(orjson.dumps, records))
        assert accepted(engine, text) == 20


@pytest.mark.parametrize("filler", [0, 10, 300, 5000, 40_000])
def test_a_key_twice_in_any_object_is_noticed(filler: int) -> None:
    """However many keys are between the two, in whatever order; an object with very many is left to others."""
    rng = Random(filler)
    engine = Kernel(prepared([EVERY_RECORD]))
    for _ in range(30 if filler < 1000 else 2):
        keys = [f'"k{number}":0' for number in range(filler + 2)]
        rng.shuffle(keys)
        once = f'{{"eventName":"a","requestParameters":{{{",".join(keys)}}}}}'
        assert accepted(engine, once.encode()) == (1 if filler < 32_000 else None)
        keys.insert(rng.randrange(len(keys)), rng.choice(keys))
        twice = f'{{"eventName":"a","requestParameters":{{{",".join(keys)}}}}}'
        assert accepted(engine, twice.encode()) is None
        assert accepted(engine, f"{once},{twice}".encode()) is None


class Fenced:
    """Memory between two pages that nobody may touch."""

    def __init__(self, size: int) -> None:
        self._page = mmap.PAGESIZE
        self._size = -(-size // self._page) * self._page
        self._map = mmap.mmap(-1, self._size + 2 * self._page)
        self._start = ctypes.addressof(ctypes.c_char.from_buffer(self._map))
        protect = ctypes.CDLL(None).mprotect
        protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        assert protect(self._start, self._page, 0) == 0
        assert protect(self._start + self._page + self._size, self._page, 0) == 0

    def place(self, text: bytes, *, at_end: bool) -> int:
        """Where the text now is: its last byte the last that may be read, or its first the first."""
        at = self._page + (self._size - len(text) if at_end else 0)
        self._map[at : at + len(text)] = text
        return self._start + at


def test_nothing_outside_of_the_text_is_read(level: int) -> None:
    """A byte more and the process is gone."""
    rng = Random(level)
    rules = [EVERY_RECORD, *(random_condition(rng) for _ in range(200))]
    engines = (
        Kernel(prepared(rules)),
        Kernel(prepared([EVERY_RECORD], reports=[Report("r", ("requestParameters.key",))])),
    )
    fenced = Fenced(1 << 16)
    found = kernel._Found()
    fixed = {"eventName": "a", "eventTime": "2026-11-21T08:00:00Z"}
    odd = (rng.choice((random_record(rng), {"requestParameters": rng.choice(PARAMETERS)})) for _ in range(300))
    records = [orjson.dumps(HEAD | each | fixed) for each in odd]
    seen = ready = 0
    for number in range(6_000):
        some = b",".join(rng.sample(records, rng.randrange(1, 4)))
        text = (some, mutated(rng, some), some[: rng.randrange(1, len(some))])[number % 3]
        address = fenced.place(text, at_end=number % 2 == 0)
        given = (engines[number // 6 % 2]._kernel, address, len(text), rng.random() < 0.5, True)
        seen += kernel._library().kernel_scan(*given, ctypes.byref(found)) > 0
        ready += found.ready_count > 0
    assert seen > 1000
    assert ready > 300


def test_the_rows_have_room_however_many_rules_match() -> None:
    conditions: list[ir.Condition] = [EVERY_RECORD] * 3000
    engine = Engine([ir.Rule(meta=None, condition=condition) for condition in conditions])  # type: ignore[arg-type]
    text = b",".join([orjson.dumps(HEAD)] * 200)
    count, told, *_ = engine._kernel.scan(text, 0, len(text), check=True)
    assert count == 200
    assert [rules for _, _, _, rules, *_ in json.loads(told)] == [[2 * rule + 1 for rule in range(3000)]] * 200
