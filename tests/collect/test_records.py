"""Records out of clean, odd and damaged text: the good ones whole, the others named."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from samples import document, raw, record

from sakimori.collect import json_window
from sakimori.collect import split as split_module
from sakimori.collect.json_walk import JsonWalk
from sakimori.collect.json_window import MAX_DEPTH, MAX_RECORD, Window
from sakimori.collect.records import split_records, split_stream
from sakimori.collect.split import Tray

GOOD = [raw(number) for number in range(5)]


def refused(text: bytes) -> list[tuple[int, str]]:
    return [(refusal.offset, refusal.reason) for refusal in split_records(text, "p").refusals]


@pytest.mark.parametrize(
    "text",
    [
        document(*GOOD),
        b"[" + b",".join(GOOD) + b"]",
        b"\n".join(GOOD),
        b"\r\n".join(GOOD) + b"\r\n",
        b"".join(GOOD),
        b"\x1e" + b"\n\x1e".join(GOOD),
        document(*GOOD[:2]) + document(*GOOD[2:]),
        document(*GOOD[:2]) + b"\n\xef\xbb\xbf" + document(*GOOD[2:]),
        document(*GOOD[:2]) + b"\n" + b"\n".join(GOOD[2:]),
        b'{"Version":1,"Note":{"Records":0},"Records":[' + b" , ".join(GOOD) + b'],"Count":5}',
        b'{"Unknown":[' + b",".join(GOOD) + b"]}",
    ],
    ids=[
        "Records",
        "array",
        "lines",
        "CRLF",
        "no separator",
        "RS",
        "documents",
        "BOM inside",
        "mixed",
        "around",
        "name",
    ],
)
def test_every_arrangement_gives_the_records_as_found(text: bytes) -> None:
    split = split_records(text, "p")
    assert split.records == GOOD
    assert split.refusals == []
    assert [text[offset : offset + len(GOOD[0])] for offset in split.offsets] == GOOD


def test_pretty_printed_records_stay_as_they_are() -> None:
    text = json.dumps({"Records": [record(1), record(2)]}, indent=2).encode()
    split = split_records(text, "p")
    assert [json.loads(found) for found in split.records] == [record(1), record(2)]
    assert all(found in text and b"\n" in found for found in split.records)


def test_no_records_in_a_sound_file_is_no_fault() -> None:
    assert refused(b'{"Records":[]}') == []
    assert refused(b"[]") == []


BAD = {
    "NaN is not JSON": b'{"eventName":"A","x":NaN}',
    "-Infinity is not JSON": b'{"eventName":"A","x":[-Infinity]}',
    'the key "accountId" occurs twice': raw().replace(b'"accountId"', b'"accountId":"1","accountId"', 1),
    'the key "é" occurs twice': '{"eventName":"A","é":1,"\\u00e9":2}'.encode(),
    "invalid UTF-8 at byte 14 of the record (ff": b'{"eventName":"\xff"}',
    "half of a surrogate pair": b'{"eventName":"\\ud800"}',
    "invalid control character": b'{"eventName":"a\x00b"}',
    "out of range": b'{"eventName":"A","x":1e999}',
    "999... is out of range": b'{"eventName":"A","x":' + b"9" * 5000 + b"}",
    f"nested more than {MAX_DEPTH} levels deep": b'{"eventName":"A","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "larger than": b'{"eventName":"' + b"x" * 10_000_000 + b'"}',
    "eventName is a number, not a string": b'{"eventName":1}',
    "userIdentity is an array, not an object": b'{"eventName":"A","userIdentity":[]}',
    "userIdentity.arn is a boolean, not a string": b'{"eventName":"A","userIdentity":{"arn":true}}',
    "readOnly is a string, not a boolean": b'{"eventName":"A","readOnly":"x"}',
    "found 17": b"17",
    "not a CloudTrail record: no eventName among its keys (a, b)": b'{"b":1,"a":2}',
    "but an event notification of aws:s3": b'{"eventSource":"aws:s3","eventName":"ObjectCreated"}',
    "a CloudTrail digest file": b'{"digestStartTime":"2026-11-21T08:00:00Z"}',
    "expecting ',' delimiter": b'{"eventName":"A" "x":1}',
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_record_is_refused_where_it_begins_and_its_neighbours_are_kept(reason: str) -> None:
    for text in (document(GOOD[0], BAD[reason], GOOD[1]), b"\n".join((GOOD[0], BAD[reason], GOOD[1]))):
        split = split_records(text, "some/path")
        assert split.records == GOOD[:2]
        offset = text.index(GOOD[0]) + len(GOOD[0]) + 1
        assert [(refusal.path, refusal.offset) for refusal in split.refusals] == [("some/path", offset)]
        assert reason in split.refusals[0].reason


def test_nesting_that_is_never_closed_is_contained() -> None:
    text = document(GOOD[0], b'{"eventName":"A","x":' + b"[" * 10_000, GOOD[1])
    assert split_records(text, "p").records == GOOD[:2]


def test_large_but_possible_records_are_kept() -> None:
    large = b'{"eventName":"' + b"x" * (MAX_RECORD - 100) + b'"}'
    deep = b'{"eventName":"A","x":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    assert split_records(document(GOOD[0], large, deep, GOOD[1]), "p").records == [GOOD[0], large, deep, GOOD[1]]


@pytest.mark.parametrize("cut", [1, 2, 3, 50, len(GOOD[4]), len(GOOD[4]) + 5])
def test_truncated_text_keeps_all_whole_records(cut: int) -> None:
    text = document(*GOOD)[:-cut]
    split = split_records(text, "p")
    assert split.records == GOOD[: 5 if cut <= 2 else 4 if cut <= len(GOOD[4]) + 2 else 3]
    assert len(split.refusals) == 1
    assert "cut off" in split.refusals[0].reason


@pytest.mark.parametrize(
    "text", [b" \n\t", b"hello world", b"\x00" * 100, b"\xff\xfe\xfd", b"<xml/>", b'"text"', b"{}"]
)
def test_what_is_no_log_at_all_is_named(text: bytes) -> None:
    split = split_records(text, "p")
    assert split.records == []
    assert len(split.refusals) == 1


def test_many_refusals_are_counted_in_one() -> None:
    text = b"\n".join(b'{"a":%d}' % number for number in range(split_module.MAX_REFUSALS + 50)) + b"\n" + GOOD[0]
    split = split_records(text, "p")
    assert split.records == GOOD[:1]
    assert len(split.refusals) == split_module.MAX_REFUSALS + 1
    assert "50 more were refused" in split.refusals[-1].reason


def test_a_stream_cut_anywhere_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split_module, "BATCH_BYTES", 2000)
    text = document(GOOD[0], BAD["NaN is not JSON"], *GOOD[1:]) + b"garbage\n" + GOOD[0]
    whole = split_records(text, "p")
    for size in (1, 7, 1000):
        splits = list(split_stream((text[at : at + size] for at in range(0, len(text), size)), "p"))
        assert len(splits) > 1
        assert [found for split in splits for found in split.records] == whole.records
        assert [found for split in splits for found in split.refusals] == whole.refusals
        assert [found for split in splits for found in split.offsets] == whole.offsets


def test_records_past_the_window_of_a_long_text_are_all_found() -> None:
    padding = raw(9, userAgent="x" * 3_000_000)
    records = [padding if number % 3 == 0 else raw(number) for number in range(24)]
    split = split_records(document(*records), "p")
    assert split.records == records
    assert split.refusals == []
    broken = [*records[:10], padding[:-50], *records[10:]]
    split = split_records(document(*broken), "p")
    assert split.records == records
    assert len(split.refusals) == 1


def test_a_record_of_nothing_but_brackets_is_refused_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_window, "MAX_VALUES", 10_000)
    many = b'{"eventName":"A","x":[' + b'{"b":0},' * 60_000 + b"1]}"
    tracemalloc.start()
    split = split_records(document(GOOD[0], many, GOOD[1]), "p")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert split.records == GOOD[:2]
    assert "more than 10000 values" in split.refusals[0].reason
    assert peak < 32 << 20


def test_a_large_record_before_many_small_ones_is_kept() -> None:
    large, small = raw(1, userAgent="x" * 3_000_000), b'{"eventName":"X"}'
    split = split_records(document(large, *[small] * 300_000), "p")
    assert (split.records[0], len(split.records), split.refusals) == (large, 300_001, [])


def test_hostile_text_takes_time_in_proportion_to_its_size() -> None:
    """Counted in bytes that the parser is given, which unlike seconds are the same on every machine."""
    for unit in (b'{"x":1,"Records":[', b'{"eventName":"', b'{"eventName"x', b'{"eventName":{"a":[', b'"{"eventName":'):
        looked_at = []
        for size in (50_000, 200_000):
            window = Window((unit * (size // len(unit)),))
            scan, seen = window._scan, []

            def counted(piece: str, start: int, scan: Any = scan, seen: list[int] = seen) -> Any:
                seen.append(len(piece))
                return scan(piece, start)

            window._scan = counted
            for _ in JsonWalk(window, Tray("p"), lambda text: ([], "")).steps():
                pass
            looked_at.append(sum(seen))
        assert looked_at[1] < 5 * looked_at[0], unit
