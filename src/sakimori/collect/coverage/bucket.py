"""A bucket as coverage needs it: an ordered listing, one level of folders, and reading with metadata.

`S3Bucket` is the real one. `FolderBucket` is a local mirror with the same key layout (`aws s3 sync` makes one). Keys
are relative to the place that holds `AWSLogs/`, so both speak of the same file by the same name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from sakimori.aws.errors import AwsError, NotFound, asking
from sakimori.aws.objects import IAM_ACTIONS as IAM_ACTIONS
from sakimori.aws.objects import head_object, list_folders, list_objects

METADATA_SUFFIX = ".metadata.json"
"""A folder keeps an object's S3 metadata beside it in `KEY.metadata.json`, as `aws s3api head-object --query Metadata`
prints it. Plain `aws s3 sync` loses the metadata, and with it the newest digest's signature."""


class BucketError(Exception):
    """A bucket or folder cannot be listed or read: says which, why and what to do."""


class ObjectGone(BucketError):
    """The object does not exist (any more)."""


@dataclass(frozen=True, slots=True)
class BucketObject:
    """One object of a listing: key relative to the root, size in bytes, time of last modification in UTC."""

    key: str
    size: int
    modified: datetime


class Readable(Protocol):
    """The part of a binary file that hashing needs; botocore's streaming body has it too."""

    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class OpenObject:
    """An object being read. `metadata` is None where the store keeps none (a mirror without its side files)."""

    stream: Readable
    metadata: Mapping[str, str] | None


class Bucket(Protocol):
    """What coverage asks of a bucket. Every method raises BucketError."""

    @property
    def name(self) -> str:
        """The bucket's name, or "" for a folder, whose bucket is not known."""

    def full_key(self, key: str) -> str:
        """The key as the owner of the bucket knows it, with the prefix that lies before `AWSLogs/`."""

    def objects(self, prefix: str, *, after: str = "") -> Iterator[BucketObject]:
        """Objects whose key starts with `prefix` and sorts above `after`, in key order."""

    def folders(self, prefix: str) -> list[str]:
        """Names of the folders directly below `prefix` (which ends in "/"), sorted."""

    def open(self, key: str) -> AbstractContextManager[OpenObject]:
        """The object, to be read in pieces. Raises ObjectGone."""

    def exists(self, key: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class FolderBucket:
    """A local folder that holds `AWSLogs/`. Links to folders are not followed: they could lead out of the mirror."""

    root: Path

    @property
    def name(self) -> str:
        return ""

    def full_key(self, key: str) -> str:
        return key

    def objects(self, prefix: str, *, after: str = "") -> Iterator[BucketObject]:
        folder, _, stem = prefix.rpartition("/")
        start = self.root / folder if folder else self.root
        for entry in _walk(start):
            key = Path(entry.path).relative_to(self.root).as_posix()
            name = key[len(folder) + 1 :] if folder else key
            if not name.startswith(stem) or key <= after or key.endswith(METADATA_SUFFIX):
                continue
            stat = entry.stat()
            yield BucketObject(key, stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))

    def folders(self, prefix: str) -> list[str]:
        return sorted(e.name for e in _scan(self.root / prefix) if e.is_dir(follow_symlinks=False))

    @contextmanager
    def open(self, key: str) -> Iterator[OpenObject]:
        path = self.root / key
        try:
            stream: BinaryIO = path.open("rb")
        except FileNotFoundError:
            raise ObjectGone(f"{path}: no such file") from None
        except OSError as error:
            raise BucketError(f"{path}: cannot be read: {error.strerror}: check its permissions") from error
        with stream:
            yield OpenObject(stream, self._metadata(key))

    def exists(self, key: str) -> bool:
        return (self.root / key).is_file()

    def _metadata(self, key: str) -> Mapping[str, str] | None:
        path = self.root / (key + METADATA_SUFFIX)
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise BucketError(f"{path}: cannot be read: {error}: copy the object's metadata again") from error
        try:
            found = json.loads(text)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise BucketError(f"{path}: is not a JSON object: copy the object's metadata again")
        return {str(name): str(value) for name, value in found.items()}


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BucketError(f"{folder}: cannot be listed: {error.strerror}: check its permissions") from error


def _walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Files below `folder` in the order in which S3 lists keys, one folder in memory at a time."""

    def key_order(entry: os.DirEntry[str]) -> str:
        return entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name

    for entry in sorted(_scan(folder), key=key_order):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))
        elif entry.is_file():
            yield entry


@dataclass(frozen=True, slots=True)
class S3Bucket:
    """An S3 bucket, read with an ordinary boto3 client; `root` is "" or ends in "/" and lies before `AWSLogs/`."""

    client: Any
    bucket: str
    root: str = ""

    @property
    def name(self) -> str:
        return self.bucket

    def full_key(self, key: str) -> str:
        return self.root + key

    def objects(self, prefix: str, *, after: str = "") -> Iterator[BucketObject]:
        start = self.root + after if after else ""
        with _told():
            for found in list_objects(self.client, self.bucket, self.root + prefix, start_after=start):
                yield BucketObject(found.key[len(self.root) :], found.size, found.last_modified)

    def folders(self, prefix: str) -> list[str]:
        full = self.root + prefix
        with _told():
            return sorted(name[len(full) : -1] for name in list_folders(self.client, self.bucket, full))

    @contextmanager
    def open(self, key: str) -> Iterator[OpenObject]:
        place = f"s3://{self.bucket}/{self.root}{key}"
        with _told(), asking("s3:GetObject", place):
            answer = self.client.get_object(Bucket=self.bucket, Key=self.root + key)
            with answer["Body"] as body:
                yield OpenObject(body, answer.get("Metadata", {}))

    def exists(self, key: str) -> bool:
        with _told():
            return head_object(self.client, self.bucket, self.root + key) is not None


@contextmanager
def _told() -> Iterator[None]:
    """What AWS refuses leaves as the one error type of this file, in AWS's own words."""
    try:
        yield
    except NotFound as error:
        raise ObjectGone(str(error)) from error
    except AwsError as error:
        raise BucketError(str(error)) from error
