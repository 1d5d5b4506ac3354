"""Objects of any size in pieces of bounded size."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Iterator

import pytest
from samples import document, raw

from sakimori.collect import pieces, split
from sakimori.collect.pieces import decode_pieces

RECORDS = [raw(number) for number in range(2000)]
TEXT = document(*RECORDS)


@pytest.mark.parametrize("data", [TEXT, gzip.compress(TEXT), gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])])
def test_a_usual_object_is_one_piece_as_found(data: bytes) -> None:
    for given in (data, (data,), (data[:1000], data[1000:])):
        (piece,) = decode_pieces(given, "p")
        assert piece.text == TEXT
        assert piece.refusals == ()


def test_a_large_object_comes_in_documents_of_whole_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "WHOLE", 1 << 16)
    monkeypatch.setattr(split, "BATCH_BYTES", 1 << 18)
    broken = document(*RECORDS[:900], b'{"eventName":NaN}', *RECORDS[900:])
    packed = gzip.compress(broken)[:-8]
    found = list(decode_pieces(packed, "p"))
    assert len(found) > 3
    records = [json.dumps(one) for piece in found if piece.text for one in json.loads(piece.text)["Records"]]
    assert records == [json.dumps(json.loads(record)) for record in RECORDS]
    refusals = [refusal for piece in found for refusal in piece.refusals]
    assert sorted(refusal.reason[:8] for refusal in refusals) == ["NaN is n", "the gzip"]
    assert next(refusal.offset for refusal in refusals if "NaN" in refusal.reason) == broken.index(b'{"eventName":NaN}')


def test_memory_does_not_grow_with_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "WHOLE", 1 << 20)
    line = b"\n".join(RECORDS[:700]) + b"\n"

    def long_text(times: int) -> Iterator[bytes]:
        for _ in range(times):
            yield line

    times = 80
    tracemalloc.start()
    count = sum(piece.text.count(b'{"eventVersion"') for piece in decode_pieces(long_text(times), "p"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == times * 700
    assert peak < 128 << 20
