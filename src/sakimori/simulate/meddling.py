"""What can happen to a log file or digest after CloudTrail delivered it."""

from __future__ import annotations

import gzip
from dataclasses import replace

from sakimori.simulate.buckets import StoredObject, WritableBucket


def delete(bucket: WritableBucket, key: str) -> None:
    bucket.delete(key)


def delay(bucket: WritableBucket, key: str) -> StoredObject:
    """Takes the file away for now; `bucket.put(key, ...)` with what this returns delivers it, late but untouched."""
    stored = bucket.get(key)
    bucket.delete(key)
    return stored


def duplicate(bucket: WritableBucket, key: str, copy: str) -> None:
    """The same object again under the key `copy`."""
    bucket.put(copy, bucket.get(key))


def truncate(bucket: WritableBucket, key: str, size: int) -> None:
    """Only the first `size` bytes stay, as after an upload that broke off."""
    stored = bucket.get(key)
    bucket.put(key, replace(stored, body=stored.body[:size]))


def alter(bucket: WritableBucket, key: str) -> None:
    """One digit of the text becomes another; the file stays whole gzip and whole JSON."""
    stored = bucket.get(key)
    text = bytearray(gzip.decompress(stored.body))
    at = max(index for index, byte in enumerate(text) if 0x30 <= byte <= 0x39)
    text[at] = 0x30 + (text[at] - 0x30 + 1) % 10
    bucket.put(key, replace(stored, body=gzip.compress(bytes(text), mtime=0)))
