"""Objects on their way in: hashed as delivered, and the quick way cuts exactly as the exact way does."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sakimori.collect import delivery as deliveries
from sakimori.collect.decode import Decoded
from sakimori.collect.delivery import clean_split, exact_split, receive, stretches, whole_text
from sakimori.collect.sources import SourceError, SourceObject


def record(number: int, **more: object) -> dict[str, object]:
    return {"eventVersion": "1.10", "eventName": "ListUsers", "eventID": f"e{number}", **more}


def text_of(*records: dict[str, object]) -> bytes:
    return json.dumps({"Records": list(records)}, separators=(",", ":")).encode()


def source(path: Path, size: int | None = None) -> SourceObject:
    return SourceObject(str(path), path.stat().st_size if size is None else size, "", datetime.now(UTC), "file")


@pytest.mark.parametrize("count", [1, 2, 100])
def test_a_clean_text_is_cut_as_the_exact_way_cuts_it(count: int) -> None:
    text = text_of(*(record(number, x="é" * number) for number in range(count)))
    quick, exact = clean_split(text, count), exact_split(text, "p")
    assert quick is not None
    assert (quick.records, quick.offsets, quick.refusals) == (exact.records, exact.offsets, [])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b'{"Records":[]}',
        b'{"Records":[{"eventVersion":',
        b'{"Records": [{"eventVersion":"1","eventName":"a","eventID":"b"}]}',
        text_of(record(1)) + b"\n",
        text_of(record(1), record(2)),
        text_of(record(1, parameters=[{"a": 1}, {"eventVersion": "1"}])),
        b'{"Records":[{"eventName":"a","eventID":"b"}]}',
    ],
)
def test_a_text_that_does_not_look_like_one_clean_record(text: bytes) -> None:
    assert clean_split(text, 1) is None


def test_a_small_object_is_held_and_a_large_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "WHOLE_BYTES", 4_000)
    monkeypatch.setattr(deliveries, "WHOLE_TEXT", 6_000)
    texts = {count: text_of(*map(record, range(count))) for count in (10, 90, 500)}
    for count, text in texts.items():
        for name, content in (("a.json", text), ("a.json.gz", gzip.compress(text))):
            path = tmp_path / name
            path.write_bytes(content)
            delivery = receive(source(path), tmp_path)
            assert delivery.sha256 == hashlib.sha256(content).hexdigest()
            assert delivery.size == len(content)
            held = None if delivery.content is None else whole_text(delivery.content, "p")
            if count == 10:
                assert held == Decoded(text)
            if count == 500:
                assert held is None
            if held is None:
                splits = list(stretches(delivery))
                assert [record for split in splits for record in split.records] == exact_split(text, "p").records
                assert [refusal for split in splits for refusal in split.refusals] == []


def test_what_cannot_be_read_twice_is_kept_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(text_of(record(1)))

    monkeypatch.setattr("sys.stdin", Stdin)
    delivery = receive(SourceObject("-", -1, "", datetime.now(UTC), "stdin"), tmp_path)
    assert delivery.sha256 == hashlib.sha256(text_of(record(1))).hexdigest()
    assert [split.records for split in stretches(delivery)] == [exact_split(text_of(record(1)), "-").records]
    assert Path(delivery.place.path).parent == tmp_path


def test_a_file_that_changes_between_hashing_and_reading_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text_of(record(1)))
    delivery = receive(source(path, deliveries.WHOLE_BYTES + 1), tmp_path)
    path.write_bytes(text_of(record(2)))
    with pytest.raises(SourceError, match="changed while it was being read"):
        list(stretches(delivery))


def test_damage_in_a_large_object_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(gzip.compress(text_of(*map(record, range(1000))))[:-20])
    delivery = receive(source(path, deliveries.WHOLE_BYTES + 1), tmp_path)
    splits = list(stretches(delivery))
    assert any("truncated" in refusal.reason for split in splits for refusal in split.refusals)
    assert sum(len(split.records) for split in splits) > 900
