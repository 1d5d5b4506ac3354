"""An object's text in pieces of bounded size, each a document of its own, however large the object is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from sakimori.collect.decode import Decoded, decode_chunks, decode_clean
from sakimori.collect.records import split_stream
from sakimori.model.refusal import Refusal

WHOLE = 64 << 20
"""Text up to this size comes as it was found, in one piece. CloudTrail's own files stay below."""

NO_LIMIT = 1 << 62


def decode_pieces(data: bytes | Iterable[bytes], path: str, limit: int = NO_LIMIT) -> Iterator[Decoded]:
    """The text of an object that was read whole (`sources.read`) or is read in chunks (`sources.chunks`).

    Up to `WHOLE` bytes of text come as one piece. A larger text is split at its records, exactly, and comes as several
    `{"Records":[...]}` of about 16 MiB, with offsets in refusals counted in the whole. `limit` bounds the text taken
    from the object; the ratio of compression is bounded in any case. Takes some 200 MB of memory at most, besides
    `data`. Bad input never raises; errors that reading `data` raises pass through.
    """
    if isinstance(data, bytes):
        text = decode_clean(data, min(limit, WHOLE))
        if text is not None:
            yield Decoded(text)
            return
        data = (data,)
    parts: list[bytes | bytearray] = []
    refusals: list[Refusal] = []
    size = 0
    decoded = decode_chunks(data, path, limit)
    for piece in decoded:
        parts.append(piece.text)
        refusals += piece.refusals
        size += len(piece.text)
        if size > WHOLE:
            yield from _documents(parts, decoded, refusals, path)
            return
    yield Decoded(b"".join(parts), tuple(refusals))


def _documents(
    parts: list[bytes | bytearray], more: Iterator[Decoded], refusals: list[Refusal], path: str
) -> Iterator[Decoded]:
    """The records of `parts` and of what follows, in documents as CloudTrail writes them."""

    def texts() -> Iterator[bytes | bytearray]:
        parts.reverse()
        while parts:
            yield parts.pop()
        for piece in more:
            refusals.extend(piece.refusals)
            yield piece.text

    for split in split_stream(texts(), path):
        text = b'{"Records":[' + b",".join(split.records) + b"]}" if split.records else b""
        found = tuple(chain(refusals, split.refusals))
        refusals.clear()
        if text or found:
            yield Decoded(text, found)
