"""From the bytes of a log object to UTF-8 text: decompression and character sets, hostile input included.

Nothing here raises on bad input: what could be read is kept, what could not is a `Refusal` that says where and why.
Invalid UTF-8 passes through on purpose: `records.py` refuses only the records that hold it.
"""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass

from sakimori.collect.gunzip import MAGIC, Damage, Source, gunzip, one_clean_member
from sakimori.model.refusal import Refusal

DEFAULT_LIMIT = 512 << 20
"""Most bytes of text taken from one object. CloudTrail closes a log file long before it holds 50 MB of text."""

_UNSUPPORTED = (
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -d"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ\x00", "xz", "unxz"),
    (b"PK\x03\x04", "zip", "unzip"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d"),
    (b"7z\xbc\xaf\x27\x1c", "7z", "7z x"),
)

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""UTF-32 LE begins with the mark of UTF-16 LE, so it is looked for first (Unicode 16, section 23.8)."""

_WITHOUT_BOM = (
    (b"%c\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\x00%c", "utf-32-be"),
    (b"%c\x00", "utf-16-le"),
    (b"\x00%c", "utf-16-be"),
)
"""How one ASCII character looks in each: JSON and CSV begin with one (RFC 4627, section 3)."""

_LONGEST_MARK = 4

_DECODE = {
    "utf-16-le": codecs.utf_16_le_decode,
    "utf-16-be": codecs.utf_16_be_decode,
    "utf-32-le": codecs.utf_32_le_decode,
    "utf-32-be": codecs.utf_32_be_decode,
}
"""Each takes bytes, how to treat errors and whether more follows; gives the text and how many bytes it took."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """UTF-8 text without a byte order mark, and what had to be left out of it."""

    text: bytes | bytearray
    refusals: tuple[Refusal, ...] = ()


def decode(data: bytes, path: str, limit: int = DEFAULT_LIMIT) -> Decoded:
    """All the text in `data`, at most `limit` bytes; `path` is what refusals are reported under.

    Holds the whole text in memory: for objects of unknown size use `decode_chunks`.
    """
    text = decode_clean(data, limit)
    if text is not None:
        return Decoded(text)
    parts: list[bytes | bytearray] = []
    refusals: list[Refusal] = []
    for piece in decode_chunks((data,), path, limit):
        parts.append(piece.text)
        refusals += piece.refusals
    return Decoded(b"".join(parts), tuple(refusals))


def decode_clean(data: bytes, limit: int = DEFAULT_LIMIT) -> bytearray | None:
    """The text of a file as CloudTrail delivers it, undamaged, in UTF-8: the fast way. None for any other."""
    text = one_clean_member(data, limit)
    return text if text is not None and _is_plain_utf8(text) else None


def decode_chunks(data: Iterable[bytes], path: str, limit: int = DEFAULT_LIMIT) -> Iterator[Decoded]:
    """The same text as `decode` gives, in chunks of about a megabyte, from an object that is read in chunks.

    Chunks end anywhere, also inside a record or a character: `records.split_stream` takes them as they come.
    """
    source = Source(data)
    head = source.peek(8)
    if not head:
        yield _refused(path, 0, "the file is empty (0 bytes)")
        return
    for magic, name, command in _UNSUPPORTED:
        if head.startswith(magic):
            yield _refused(path, 0, f"compressed with {name}, which is not supported: unpack it first (`{command}`)")
            return
    raw = gunzip(source, limit) if head.startswith(MAGIC) else _plain(source, limit)
    yield from _to_utf8(raw, path)


def _is_plain_utf8(text: bytearray) -> bool:
    """Whether `text` begins as JSON in an ASCII-compatible character set."""
    return text.startswith((b"{", b"[")) and text[1:2] != b"\x00"


def _plain(source: Source, limit: int) -> Iterator[bytes | Damage]:
    while chunk := source.take():
        if source.offset > limit:
            yield chunk[: limit - source.offset]
            yield Damage(limit, f"more than {limit} bytes: the rest is not read")
            return
        yield chunk


def _to_utf8(raw: Iterator[bytes | Damage], path: str) -> Iterator[Decoded]:
    """`raw` in UTF-8, without its byte order mark."""
    head = b""
    transcoder: _Transcoder | None = None
    damaged = False
    for piece in raw:
        if isinstance(piece, Damage):
            damaged = True
            yield _refused(path, piece.offset, piece.reason)
        elif transcoder is not None:
            yield from transcoder.feed(piece)
        elif len(head := head + piece) >= _LONGEST_MARK:
            if head.startswith(MAGIC):
                yield _refused(path, 0, "compressed with gzip twice: unpack it once first (`gunzip`)")
                return
            transcoder, rest = _transcoder(head, path)
            yield from transcoder.feed(rest)
    if transcoder is None:
        transcoder, rest = _transcoder(head, path)
        if not rest and not damaged:
            yield _refused(path, 0, "the file holds no text")
        yield from transcoder.feed(rest)
    yield from transcoder.feed(b"", final=True)


class _Transcoder:
    """Text in one character set, chunk by chunk, to UTF-8; it holds the bytes of a character cut between chunks.

    Unpaired surrogates come out as invalid UTF-8, so that only the record that holds them is refused.
    """

    def __init__(self, encoding: str, path: str, offset: int) -> None:
        self._encoding = encoding
        self._path = path
        self._held = b""
        self._offset = offset

    def feed(self, piece: bytes, *, final: bool = False) -> Iterator[Decoded]:
        if self._encoding == "utf-8":
            yield Decoded(piece)
            return
        data = self._held + piece
        while data:
            try:
                text, used = _DECODE[self._encoding](data, "surrogatepass", final)
            except UnicodeDecodeError as error:
                data = yield from self._past(error)
                continue
            yield Decoded(text.encode("utf-8", "surrogatepass"))
            self._offset += used
            data = data[used:]
            break
        self._held = data

    def _past(self, error: UnicodeDecodeError) -> Generator[Decoded, None, bytes]:
        """What comes before the bytes that are not in the character set, a refusal of those; returns the rest."""
        good, _ = _DECODE[self._encoding](error.object[: error.start], "surrogatepass", True)
        offset = self._offset + error.start
        reason = f"{error.end - error.start} bytes are not {error.encoding.upper()} ({error.reason})"
        yield Decoded(good.encode("utf-8", "surrogatepass"), (Refusal(self._path, offset, reason),))
        self._offset += error.end
        return error.object[error.end :]


def _transcoder(head: bytes, path: str) -> tuple[_Transcoder, bytes]:
    """The transcoder for text that begins with `head`, and `head` without its mark."""
    encoding, mark = _encoding(head)
    return _Transcoder(encoding, path, mark), head[mark:]


def _encoding(head: bytes) -> tuple[str, int]:
    """The character set that `head` shows, and how many bytes its byte order mark takes."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name, len(mark)
    for pattern, name in _WITHOUT_BOM:
        width = len(pattern) - 1
        unit = head[:width]
        if len(unit) == width and unit == pattern % (unit.strip(b"\x00")[:1] or b"\x00") and unit.strip(b"\x00"):
            return name, 0
    return "utf-8", 0


def _refused(path: str, offset: int, reason: str) -> Decoded:
    return Decoded(b"", (Refusal(path, offset, reason),))
