"""Gzip as it comes: every member, the good part of a damaged one, a limit on what comes out (RFC 1952, RFC 1951)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import deflate
import stringzilla as sz

CHUNK = 1 << 20
MAGIC = b"\x1f\x8b"

RATIO_LIMIT = 250
"""Text bytes per compressed byte past which it is a bomb. Deflate ends at 1,032; CloudTrail logs reach 10 to 40."""

RATIO_FLOOR = 64 << 20
"""Below this much text the ratio is not looked at: a small bomb does no harm."""

_MEMBER = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]")
_NEXT_MEMBER = MAGIC + b"\x08"
_EXTRA_FLAGS = (0, 2, 4)
_SYSTEMS = (*range(14), 255)
"""What RFC 1952 knows as XFL and OS."""

_LOOK_BACK = 1 << 16
"""Damage shows only after some bytes of a following member were taken for the damaged one's: so far back to look."""

_PATTERN_TAIL = 3
_ATTEMPTS = 100
"""Damaged members looked past in one object. It bounds the time that a file made only of member headers can take."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Why compressed data could not be read, at `offset` in it; what can be read next begins past `after`."""

    offset: int
    reason: str
    after: int = 0


class Source:
    """An object read in chunks, with a position, a look ahead, a push-back and a short memory: about two chunks."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = (part for chunk in chunks for part in _parts(chunk))
        self._held = b""
        self._behind = b""
        self.offset = 0

    def peek(self, size: int) -> bytes:
        """The next `size` bytes without taking them; fewer at the end."""
        while len(self._held) < size and (chunk := next(self._chunks, b"")):
            self._held += chunk
        return self._held[:size]

    def take(self) -> bytes:
        """The next chunk; b"" at the end."""
        taken = self._held or next(self._chunks, b"")
        self._held = b""
        self._behind = (self._behind + taken)[-len(taken) - _LOOK_BACK :]
        self.offset += len(taken)
        return taken

    def give_back(self, rest: bytes) -> None:
        """Undo the taking of `rest`, the last bytes taken."""
        if rest:
            self._held = rest + self._held
            self._behind = self._behind[: -len(rest)]
            self.offset -= len(rest)

    def seek(self, pattern: re.Pattern[bytes], after: int) -> bool:
        """Move to the first match of `pattern` past offset `after`, which may be a little behind. False if none."""
        start = max(after + 1, self.offset - len(self._behind))
        self.give_back(self._behind[start - self.offset :] if start < self.offset else b"")
        while chunk := self.take():
            if self.peek(1):
                chunk += self.take()
            if found := pattern.search(chunk):
                self.give_back(chunk[found.start() :])
                return True
            self.give_back(chunk[-_PATTERN_TAIL:] if self.peek(1) else b"")
        return False


def one_clean_member(data: bytes, limit: int) -> bytearray | None:
    """The text of a gzip file of one undamaged member, by libdeflate; None if `data` is not surely that.

    libdeflate stops after the first member without a word, so no second member's magic may be in the file, and what
    came out must be as long as the trailer says (RFC 1952: ISIZE, modulo 2**32).
    """
    if len(data) < 18 or not data.startswith(MAGIC) or _may_hold_another(data):
        return None
    size = int.from_bytes(data[-4:], "little")
    if size == 0 or size > limit or size > max(RATIO_FLOOR, len(data) * RATIO_LIMIT):
        return None
    try:
        text = deflate.gzip_decompress(data)
    except deflate.DeflateError:
        return None
    return text if len(text) == size else None


def _may_hold_another(data: bytes) -> bool:
    """Whether something past the start reads like the header of a member: by chance it does in one of 20,000 files."""
    at = sz.find(data, _NEXT_MEMBER, 1)
    while at != -1:
        header = data[at : at + 10]
        if len(header) == 10 and header[3] < 0x20 and header[8] in _EXTRA_FLAGS and header[9] in _SYSTEMS:
            return True
        at = sz.find(data, _NEXT_MEMBER, at + 1)
    return False


def gunzip(source: Source, limit: int) -> Iterator[bytes | Damage]:
    """The text of every member in pieces of at most `CHUNK` bytes, and each damage where it is.

    After a damaged member it goes on at the next one that begins anywhere later, behind a newline that keeps the two
    texts apart. More than `limit` bytes of text, or more than the ratio allows, end it.
    """
    produced = 0
    for _ in range(_ATTEMPTS):
        damage = None
        for piece in _members(source):
            if isinstance(piece, Damage):
                damage = piece
                yield piece
                break
            produced += len(piece)
            if produced > limit:
                yield piece[: limit - produced]
                yield Damage(source.offset, f"more than {limit} bytes when decompressed: the rest is not read")
                return
            if produced > max(RATIO_FLOOR, source.offset * RATIO_LIMIT):
                ratio = produced // max(source.offset, 1)
                reason = f"grows {ratio} times when decompressed, which no log does: the rest is not read"
                yield Damage(source.offset, f"a gzip bomb, it {reason}")
                return
            yield piece
        if damage is None or not source.seek(_MEMBER, damage.after):
            return
        yield b"\n"
    yield Damage(source.offset, f"more than {_ATTEMPTS} damaged gzip members: the rest is not read")


def _members(source: Source) -> Iterator[bytes | Damage]:
    """The text of the members from here on, up to the first damage."""
    while head := source.peek(len(MAGIC)):
        if head != MAGIC:
            if not _only_padding(source):
                yield Damage(source.offset, "what follows the gzip data is not gzip: not read", source.offset)
            return
        yield from _member(source)


def _member(source: Source) -> Iterator[bytes | Damage]:
    start = source.offset
    inflate = zlib.decompressobj(wbits=31)
    while not inflate.eof:
        chunk = source.take()
        if not chunk:
            yield Damage(source.offset, f"the gzip data that begins at offset {start} is truncated", start)
            return
        while chunk and not inflate.eof:
            before = inflate.copy()
            try:
                text = inflate.decompress(chunk, CHUNK)
            except zlib.error as error:
                good, used = _up_to_damage(before, chunk)
                if good:
                    yield good
                source.give_back(chunk[used:])
                reason = f"the gzip data that begins at offset {start} is damaged: {_why(error)}"
                yield Damage(source.offset, reason, start)
                return
            chunk = inflate.unconsumed_tail
            if text:
                yield text
    source.give_back(inflate.unused_data)


def _up_to_damage(inflate: zlib._Decompress, chunk: bytes) -> tuple[bytes, int]:
    """What `chunk` gives before it fails, and how many of its bytes that took.

    zlib throws away the output of the call that fails, so the chunk is fed again in ever smaller steps.
    """
    good = b""
    used = 0
    for step in (4096, 64, 1):
        while used < len(chunk):
            before = inflate.copy()
            try:
                good += inflate.decompress(chunk[used : used + step])
            except zlib.error:
                inflate = before
                break
            used += step
    return good, min(used, len(chunk))


def _only_padding(source: Source) -> bool:
    """Whether zeros alone follow, as tapes and some copiers leave them: gzip ignores those too."""
    while chunk := source.take():
        rest = chunk.lstrip(b"\x00")
        if rest:
            source.give_back(rest)
            return False
    return True


def _parts(chunk: bytes) -> Iterator[bytes]:
    if len(chunk) <= CHUNK:
        if chunk:
            yield chunk
        return
    view = memoryview(chunk)
    for start in range(0, len(chunk), CHUNK):
        yield bytes(view[start : start + CHUNK])


def _why(error: zlib.error) -> str:
    """zlib's own words without its call: `Error -3 while decompressing data: incorrect data check`."""
    text = str(error).rpartition(": ")[2]
    known = {
        "incorrect data check": "its checksum does not match (CRC-32), so the text may have been altered",
        "incorrect length check": "its length does not match, so the text may have been altered",
    }
    return known.get(text, text)
