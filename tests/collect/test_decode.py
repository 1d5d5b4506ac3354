"""Decompression and character sets: what is good is kept, what is not is named with its offset."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import os
import tracemalloc
import zlib

import pytest

from sakimori.collect import gunzip
from sakimori.collect.decode import decode, decode_chunks

TEXT = b'{"Records":[' + b",".join(b'{"eventName":"N%d","x":"\xc3\xa9"}' % i for i in range(3000)) + b"]}"
PACKED = gzip.compress(TEXT, mtime=0)


def reasons(data: bytes, **options: int) -> list[str]:
    return [refusal.reason for refusal in decode(data, "a.gz", **options).refusals]


@pytest.mark.parametrize(
    "data",
    [TEXT, PACKED, PACKED + bytes(512), codecs.BOM_UTF8 + TEXT, gzip.compress(codecs.BOM_UTF8 + TEXT, mtime=0)],
    ids=["plain", "gzip", "padded with zeros", "byte order mark", "gzip with byte order mark"],
)
def test_clean_input_gives_its_text_and_no_refusal(data: bytes) -> None:
    decoded = decode(data, "a")
    assert decoded.text == TEXT
    assert decoded.refusals == ()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("packed", [False, True])
def test_other_character_sets_are_transcoded(encoding: str, packed: bool) -> None:
    data = TEXT.decode().encode(encoding)
    decoded = decode(gzip.compress(data) if packed else data, "a")
    assert decoded.text == TEXT
    assert decoded.refusals == ()


def test_text_cut_anywhere_between_chunks_is_the_same() -> None:
    data = TEXT.decode().encode("utf-16")
    for size in (1, 3, 1000):
        chunks = (data[start : start + size] for start in range(0, 9000, size))
        assert b"".join(piece.text for piece in decode_chunks(chunks, "a")) == decode(data[:9000], "a").text


def test_half_a_surrogate_pair_leaves_invalid_utf8_for_its_record_only() -> None:
    data = '{"eventName":"A\ud800"}\n{"eventName":"B"}'.encode("utf-16-le", "surrogatepass")
    decoded = decode(data, "a")
    assert decoded.refusals == ()
    assert decoded.text == b'{"eventName":"A\xed\xa0\x80"}\n{"eventName":"B"}'


def test_an_odd_byte_at_the_end_of_utf16_is_refused_where_it_is() -> None:
    data = TEXT.decode().encode("utf-16-le")
    decoded = decode(data + b"x", "a")
    assert decoded.text == TEXT
    assert [(refusal.offset, refusal.path) for refusal in decoded.refusals] == [(len(data), "a")]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x28\xb5\x2f\xfdrest", "zstd"),
        (bz2.compress(TEXT), "bzip2"),
        (lzma.compress(TEXT), "xz"),
        (b"PK\x03\x04rest", "zip"),
    ],
)
def test_other_compressions_are_named(data: bytes, name: str) -> None:
    decoded = decode(data, "a")
    assert decoded.text == b""
    assert f"compressed with {name}, which is not supported" in decoded.refusals[0].reason


def test_gzip_within_gzip_is_named_once() -> None:
    decoded = decode(gzip.compress(gzip.compress(TEXT)), "a")
    assert decoded.text == b""
    assert [each.reason for each in decoded.refusals] == ["compressed with gzip twice: unpack it once first (`gunzip`)"]


@pytest.mark.parametrize("data", [b"", gzip.compress(b"", mtime=0), codecs.BOM_UTF16_LE, codecs.BOM_UTF8])
def test_empty_input_is_named(data: bytes) -> None:
    decoded = decode(data, "a")
    assert decoded.text == b""
    assert [refusal.reason for refusal in decoded.refusals] in (
        ["the file is empty (0 bytes)"],
        ["the file holds no text"],
    )


def test_concatenated_members_all_count() -> None:
    assert decode(PACKED + gzip.compress(b"more") + PACKED, "a").text == TEXT + b"more" + TEXT
    assert decode(PACKED + PACKED, "a").text == TEXT + TEXT


@pytest.mark.parametrize("keep", [11, 40, len(PACKED) // 2, len(PACKED) - 9, len(PACKED) - 1])
def test_a_truncated_file_keeps_its_good_prefix(keep: int) -> None:
    decoded = decode(PACKED[:keep], "a")
    assert TEXT.startswith(decoded.text)
    assert len(decoded.text) >= len(zlib.decompressobj(31).decompress(PACKED[:keep]))
    assert [(refusal.offset, "truncated" in refusal.reason) for refusal in decoded.refusals] == [(keep, True)]


def test_a_wrong_checksum_is_named_and_the_text_is_kept() -> None:
    decoded = decode(PACKED[:-8] + b"\x00\x01\x02\x03" + PACKED[-4:], "a")
    assert decoded.text == TEXT
    assert "its checksum does not match" in decoded.refusals[0].reason


def test_damage_in_the_middle_keeps_what_comes_before_and_the_next_member() -> None:
    middle = len(PACKED) // 2
    data = PACKED[:middle] + b"\xff" * 300 + PACKED[middle + 300 :] + gzip.compress(b"the next member")
    decoded = decode(data, "a")
    assert decoded.text[: len(TEXT) // 4] == TEXT[: len(TEXT) // 4]
    assert decoded.text.endswith(b"\nthe next member")
    assert decoded.refusals


def test_a_cut_member_does_not_hide_the_one_that_follows() -> None:
    decoded = decode(PACKED[: len(PACKED) // 2] + PACKED, "a")
    assert decoded.text.endswith(b"\n" + TEXT)
    assert len(decoded.refusals) == 1


def test_bytes_after_the_gzip_data_are_refused_at_their_offset() -> None:
    decoded = decode(PACKED + b"trailing", "a")
    assert decoded.text == TEXT
    assert [refusal.offset for refusal in decoded.refusals] == [len(PACKED)]


def test_a_bomb_is_stopped_by_its_ratio_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gunzip, "RATIO_FLOOR", 4 << 20)
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    most = len(bomb) * gunzip.RATIO_LIMIT
    tracemalloc.start()
    sizes = [len(piece.text) for piece in decode_chunks((bomb,), "a") if not piece.refusals]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(sizes) <= most
    assert peak < 16 << 20
    assert "gzip bomb" in reasons(bomb)[0]


def test_the_limit_holds_for_plain_and_compressed_text_and_for_a_lying_trailer() -> None:
    for data in (TEXT, PACKED, PACKED + PACKED, PACKED[:-4] + b"\x01\x00\x00\x00"):
        decoded = decode(data, "a", 1000)
        assert decoded.text == TEXT[:1000]
        assert "more than 1000 bytes" in decoded.refusals[0].reason


def test_headers_alone_cannot_hold_it_up() -> None:
    decoded = decode(b"\x1f\x8b\x08\x00" * 500_000, "a")
    assert len(decoded.refusals) <= 101
    decode(b"\x1f\x8b\x08\x00" + os.urandom(100_000), "a")
