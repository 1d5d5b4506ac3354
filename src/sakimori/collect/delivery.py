"""One log object on its way in: read once, hashed, decoded and cut into records, however large it is.

Nearly every object is a clean CloudTrail file that fits in memory, and is cut by searching for where records begin.
Any other goes the exact way (`records.py`); one that does not fit goes through memory in stretches.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path

import stringzilla as sz

from sakimori.collect.clean_text import CLOSING, OPENING, START
from sakimori.collect.decode import Decoded, decode, decode_chunks
from sakimori.collect.gunzip import MAGIC
from sakimori.collect.records import Split, split_records, split_stream
from sakimori.collect.sources import SourceError, SourceObject, chunks, read
from sakimori.model.refusal import Refusal

WHOLE_BYTES = 32 << 20
"""Objects up to this size, as delivered, are held in memory. CloudTrail's files have a few MB."""

WHOLE_TEXT = 64 << 20
"""... and are decoded as a whole if their text is no longer than this."""

STREAM_LIMIT = 64 << 30
"""Most bytes of text taken from an object that goes through memory in stretches."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An object as delivered: its bytes if they are few, else where to read them (again). `sha256` is of the bytes."""

    source: SourceObject
    size: int
    sha256: str
    content: bytes | None
    place: SourceObject


def receive(source: SourceObject, spool: Path) -> Delivery:
    """Reads and hashes an object. What is large and cannot be read twice is kept under `spool` meanwhile.

    Raises SourceError.
    """
    if 0 <= source.size <= WHOLE_BYTES:
        content = read(source, 2 * WHOLE_BYTES)
        return Delivery(source, len(content), hashlib.sha256(content).hexdigest(), content, source)
    place = source
    if source.kind != "file" or source.size < 0:
        place = _spooled(source, spool / hashlib.sha256(source.path.encode()).hexdigest())
    hashed, size = hashlib.sha256(), 0
    for chunk in chunks(place):
        hashed.update(chunk)
        size += len(chunk)
    return Delivery(source, size, hashed.hexdigest(), None, place)


def _spooled(source: SourceObject, copy: Path) -> SourceObject:
    """A copy of the object that can be read more than once."""
    from sakimori.store.lake import explained  # detection of what is small has no lake, and should not load one

    with explained(copy.parent, "write to"), copy.open("wb") as out:
        for chunk in chunks(source):
            out.write(chunk)
        return replace(source, path=str(copy), kind="file", size=out.tell())


def whole_text(content: bytes, path: str) -> Decoded | None:
    """The text of an object and what had to be left out of it; None if it may be too long to be held."""
    if content.startswith(MAGIC) and stated_length(content) > WHOLE_TEXT:
        return None
    decoded = decode(content, path, WHOLE_TEXT)
    if decoded.refusals and len(decoded.text) >= WHOLE_TEXT:  # the length that the file states was not true
        return None
    return decoded


def stated_length(content: bytes) -> int:
    """What a gzip file of one member says of its text's length (RFC 1952: ISIZE, modulo 2**32)."""
    return int.from_bytes(content[-4:], "little")


def clean_split(text: bytes | bytearray, count: int) -> Split | None:
    """The `count` records of a clean text; None if they do not all begin with their eventVersion.

    Each has yet to prove to be one JSON object, as `activity.decode_clean` finds out: objects that, joined with commas,
    give the text back, are its records.
    """
    if not (text.startswith(OPENING + START) and text.endswith(CLOSING)):
        return None
    ends = list(accumulate(map(len, sz.split_iter(text, b"," + START, keepseparator=True))))
    cut = len(START)
    starts = [len(OPENING), *(end - cut for end in ends[:-1]), len(text) - len(CLOSING) + 1]
    view = memoryview(text)
    records = [bytes(view[start : end - 1]) for start, end in pairwise(starts)]
    if len(records) != count:
        return None
    return Split(records=records, offsets=starts[:-1])


def exact_split(text: bytes | bytearray, path: str) -> Split:
    """The records of any text; what is none is refused. Why there is no text at all was said when it was decoded."""
    return split_records(text, path) if text else Split()


def stretches(delivery: Delivery) -> Iterator[Split]:
    """The records of an object that goes through memory in stretches of about 16 MB. Raises SourceError.

    Also if the object is no longer the one that was hashed: nothing of it may be kept then.
    """
    refusals: list[Refusal] = []
    path, length = delivery.source.path, 0
    hashed = hashlib.sha256()

    def delivered() -> Iterator[bytes]:
        for chunk in chunks(delivery.place):
            hashed.update(chunk)
            yield chunk
        if hashed.hexdigest() != delivery.sha256:
            raise SourceError(Refusal(path, 0, "changed while it was being read: run the command again"))

    def text() -> Iterator[bytes | bytearray]:
        nonlocal length
        for piece in decode_chunks(delivered(), path, STREAM_LIMIT):
            refusals.extend(piece.refusals)
            length += len(piece.text)
            yield piece.text

    for split in split_stream(text(), path):
        said = split.refusals if length else []  # why there is no text at all was said
        yield Split(split.records, [*refusals, *said], split.offsets)
        refusals.clear()
    if refusals:
        yield Split(refusals=refusals)
