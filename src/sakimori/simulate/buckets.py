"""Somewhere to put simulated log files: memory, a folder, or S3 through boto3, all written and damaged alike."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from sakimori.collect.coverage.bucket import METADATA_SUFFIX, BucketObject, ObjectGone, OpenObject


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object with its S3 metadata (empty: none) and the time it was written, in UTC (S3 sets its own)."""

    body: bytes
    metadata: Mapping[str, str]
    written: datetime


class WritableBucket(Protocol):
    """What simulated CloudTrail, and whoever meddles with its files, does to a bucket. Keys are whole keys."""

    def put(self, key: str, stored: StoredObject) -> None: ...

    def get(self, key: str) -> StoredObject: ...

    def delete(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True)
class MemoryBucket:
    """A bucket in memory, which coverage can read too."""

    bucket: str
    stored: dict[str, StoredObject] = field(default_factory=dict)

    def put(self, key: str, stored: StoredObject) -> None:
        self.stored[key] = stored

    def get(self, key: str) -> StoredObject:
        return self.stored[key]

    def delete(self, key: str) -> None:
        del self.stored[key]

    @property
    def name(self) -> str:
        return self.bucket

    def full_key(self, key: str) -> str:
        return key

    def objects(self, prefix: str, *, after: str = "") -> Iterator[BucketObject]:
        for key in sorted(key for key in self.stored if key.startswith(prefix) and key > after):
            yield BucketObject(key, len(self.stored[key].body), self.stored[key].written)

    def folders(self, prefix: str) -> list[str]:
        below = (key[len(prefix) :].split("/") for key in self.stored if key.startswith(prefix))
        return sorted({parts[0] for parts in below if len(parts) > 1})

    @contextmanager
    def open(self, key: str) -> Iterator[OpenObject]:
        if key not in self.stored:
            raise ObjectGone(f"s3://{self.bucket}/{key}: no such object")
        yield OpenObject(io.BytesIO(self.stored[key].body), self.stored[key].metadata)

    def exists(self, key: str) -> bool:
        return key in self.stored


@dataclass(frozen=True, slots=True)
class Folder:
    """A local mirror. Objects with metadata get a `KEY.metadata.json` beside them, unless `with_metadata` is False, as
    after `aws s3 sync`."""

    root: Path
    with_metadata: bool = True

    def put(self, key: str, stored: StoredObject) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(stored.body)
        os.utime(path, (stored.written.timestamp(), stored.written.timestamp()))
        if stored.metadata and self.with_metadata:
            self._beside(key).write_text(json.dumps(dict(stored.metadata)), "utf-8")

    def get(self, key: str) -> StoredObject:
        path = self.root / key
        written = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        metadata = json.loads(self._beside(key).read_text("utf-8")) if self._beside(key).exists() else {}
        return StoredObject(path.read_bytes(), metadata, written)

    def delete(self, key: str) -> None:
        (self.root / key).unlink()
        self._beside(key).unlink(missing_ok=True)

    def _beside(self, key: str) -> Path:
        return self.root / (key + METADATA_SUFFIX)


@dataclass(frozen=True, slots=True)
class S3:
    """A bucket through boto3; the bucket must exist."""

    client: Any
    bucket: str

    def put(self, key: str, stored: StoredObject) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=stored.body, Metadata=dict(stored.metadata))

    def get(self, key: str) -> StoredObject:
        found = self.client.get_object(Bucket=self.bucket, Key=key)
        return StoredObject(found["Body"].read(), found["Metadata"], found["LastModified"])

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=key)
