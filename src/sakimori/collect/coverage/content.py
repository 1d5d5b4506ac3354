"""The two hashes of a gzipped object, in one pass and bounded memory.

The digest records SHA-256 of the *uncompressed* text ("Hash the uncompressed contents of the log file": AWS CloudTrail
User Guide, "Custom implementations of CloudTrail log file integrity validation"; the AWS CLI's `validate-logs` agrees),
while the ledger records that of the object as delivered.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from sakimori.collect.coverage.bucket import Readable

CHUNK = 1 << 18
MAX_CONTENT_BYTES = 1 << 30
"""A log file that unpacks to more than this is refused: CloudTrail's own are at most some tens of MB."""


@dataclass(frozen=True, slots=True)
class ContentHashes:
    """SHA-256 in hex of the object as delivered and of its uncompressed content.

    `content` is "" and `reason` says why, where the object is not exactly one complete gzip member.
    """

    delivered: str
    content: str
    reason: str = ""


def hash_gzip(stream: Readable, on_content: Callable[[bytes], object] | None = None) -> ContentHashes:
    """Reads `stream` to its end; `on_content` is given each uncompressed piece (at most `CHUNK` bytes).

    Bytes after the first gzip member make it unreadable, as for the AWS CLI: other readers would unpack them too, and
    the digest's hash does not cover them.
    """
    delivered, content = hashlib.sha256(), hashlib.sha256()
    inflater = zlib.decompressobj(wbits=31)
    size, reason = 0, ""
    while chunk := stream.read(CHUNK):
        delivered.update(chunk)
        while not reason:
            if inflater.eof:
                reason = "has bytes after the end of its gzip member" if chunk else ""
                break
            try:
                piece = inflater.decompress(chunk, CHUNK)
            except zlib.error as error:
                reason = f"is not valid gzip: {error}"
                break
            content.update(piece)
            size += len(piece)
            if on_content is not None:
                on_content(piece)
            if size > MAX_CONTENT_BYTES:
                reason = f"unpacks to more than {MAX_CONTENT_BYTES >> 20} MiB"
            chunk = inflater.unconsumed_tail or inflater.unused_data
            if not chunk and len(piece) < CHUNK:
                break
    if not reason and not inflater.eof:
        reason = "is cut short: its gzip member does not end"
    return ContentHashes(delivered.hexdigest(), "" if reason else content.hexdigest(), reason)
