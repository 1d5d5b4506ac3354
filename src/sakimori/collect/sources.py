"""Where log objects come from: files, folders, globs, `s3://bucket/prefix` and standard input (`-`)."""

from __future__ import annotations

import fnmatch
import functools
import glob
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from sakimori.collect.sniff import LOG_SUFFIXES, looks_like_log
from sakimori.model.refusal import Refusal

DEFAULT_READ_LIMIT = 256 << 20
"""Most bytes, compressed or not, that `read` holds at once; larger objects are read with `chunks`."""

CHUNK = 1 << 20

Kind = Literal["file", "s3", "stdin"]


@dataclass(frozen=True, slots=True)
class SourceObject:
    """One log object: `path` is what users see and what refusals name (`s3://b/k`, a file path, `-`).

    `size` is in bytes, -1 if it is not known before reading (pipes). `etag` is S3's, "" elsewhere.
    """

    path: str
    size: int
    etag: str
    last_modified: datetime
    kind: Kind


@dataclass(frozen=True, slots=True)
class Skipped:
    """What is in its place and is no log file: digests and metadata. Counted, not refused."""

    path: str
    reason: str


class SourceError(Exception):
    """A log object could not be read; `refusal` says which, where and why, `passing` that it may go by itself."""

    def __init__(self, refusal: Refusal, *, passing: bool = False) -> None:
        self.refusal = refusal
        self.passing = passing
        super().__init__(str(refusal))


def find_objects(paths: Iterable[str], *, s3: Any = None) -> Iterator[SourceObject | Refusal | Skipped]:
    """Every log object under `paths`, in a stable order, each once; what else is there as a Refusal or Skipped.

    A file named outright is taken whatever its name; inside folders a file is a log by its name or its first bytes.
    `s3` is a boto3 client, by default one with the ordinary credential chain. Never raises.
    """
    given = list(paths)
    seen: set[int] = set()
    for path in given:
        for found in _find(path, s3):
            if len(given) > 1:
                identity = hash(found.path)
                if identity in seen:
                    continue
                seen.add(identity)
            yield found


def _find(path: str, s3: Any) -> Iterator[SourceObject | Refusal | Skipped]:
    if path == "-":
        yield SourceObject("-", -1, "", datetime.now(UTC), "stdin")
    elif path.startswith("s3://"):
        yield from _in_bucket(path, s3)
    elif os.path.lexists(path):
        yield from _named(path)
    elif glob.has_magic(path):
        matches = sorted(glob.iglob(path, recursive=True))  # noqa: PTH207 - the pattern may be absolute
        if not matches:
            yield Refusal(path, 0, "nothing matches this pattern")
        for match in matches:
            yield from _named(match)
    else:
        yield Refusal(path, 0, "no such file or folder")


def _in_bucket(uri: str, s3: Any) -> Iterator[SourceObject | Refusal | Skipped]:
    from sakimori.aws.errors import AwsError
    from sakimori.aws.objects import list_objects, split_uri

    fixed, pattern = _fixed_part(uri)
    nothing = True
    try:
        bucket, prefix = split_uri(fixed)
        for found in list_objects(s3 or s3_client(), bucket, prefix):
            if pattern is not None and not pattern.fullmatch(found.uri):
                continue
            nothing = False
            if reason := name_is_no_log(found.uri):
                yield Skipped(found.uri, reason)
            else:
                yield SourceObject(found.uri, found.size, found.etag, found.last_modified, "s3")
    except (AwsError, ValueError) as error:
        yield Refusal(uri, 0, str(error))
    else:
        if nothing:
            yield Refusal(uri, 0, "no object's key begins like this")


def _fixed_part(uri: str) -> tuple[str, re.Pattern[str] | None]:
    """What to list for `uri`, and what the objects' addresses must match if it is a glob."""
    magic = re.search(r"[*?[]", uri)
    if magic is None:
        return uri, None
    return uri[: magic.start()], re.compile(fnmatch.translate(uri))


def _named(path: str) -> Iterator[SourceObject | Refusal | Skipped]:
    """A path that the user named: a file is taken as it is, a folder is searched."""
    try:
        about = Path(path).stat()
    except OSError as error:
        yield Refusal(shown(path), 0, f"cannot be read: {error.strerror}")
        return
    if stat.S_ISDIR(about.st_mode):
        yield from _in_folder(path)
    elif stat.S_ISREG(about.st_mode) or stat.S_ISFIFO(about.st_mode):
        yield _file(path, about)
    else:
        yield Refusal(shown(path), 0, f"{_file_type(about.st_mode)}, not a file")


def _in_folder(folder: str) -> Iterator[SourceObject | Refusal | Skipped]:
    """Depth first, in the order of names. Links to folders are not followed, so no loop of links can hold it."""
    waiting = [folder]
    nothing = True
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            nothing = False
            yield Refusal(shown(current), 0, f"the folder cannot be listed: {error.strerror}")
            continue
        folders = []
        for entry in entries:
            if _is_folder(entry):
                folders.append(entry.path)
            else:
                nothing = False
                yield _entry(entry)
        waiting += reversed(folders)
    if nothing:
        yield Refusal(shown(folder), 0, "the folder holds no files")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _entry(entry: os.DirEntry[str]) -> SourceObject | Refusal | Skipped:
    path = shown(entry.path)
    if path != entry.path:
        return Refusal(path, 0, "the file's name is not valid UTF-8: rename it")
    if reason := name_is_no_log(path):
        return Skipped(path, reason)
    try:
        about = entry.stat()
        if not stat.S_ISREG(about.st_mode):
            kind = _file_type(about.st_mode)
            linked = "a link to " if entry.is_symlink() else ""
            return Refusal(path, 0, f"not a CloudTrail log: {linked}{kind}")
        if not path.endswith(LOG_SUFFIXES) and (reason := looks_like_log(path)):
            return Refusal(path, 0, f"not a CloudTrail log: {reason}")
    except OSError as error:
        return Refusal(path, 0, f"cannot be read: {error.strerror}")
    return _file(path, about)


def _file(path: str, about: os.stat_result) -> SourceObject:
    size = about.st_size if stat.S_ISREG(about.st_mode) else -1
    return SourceObject(path, size, "", datetime.fromtimestamp(about.st_mtime, UTC), "file")


def name_is_no_log(path: str) -> str:
    """Why the object is no log file, by its name; "" if it may be one."""
    if "/CloudTrail-Digest/" in path or "_CloudTrail-Digest_" in path:
        return "a CloudTrail digest"
    if path.endswith(".metadata.json"):
        return "S3 metadata kept beside an object"
    return ""


def _file_type(mode: int) -> str:
    kinds = (
        (stat.S_ISDIR, "a folder (links to folders are not followed)"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    return next((name for test, name in kinds if test(mode)), "of an unknown kind")


def shown(path: str) -> str:
    """`path` as it can be printed and stored: bytes that are not UTF-8 as `\\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def read(source: SourceObject, limit: int = DEFAULT_READ_LIMIT, *, s3: Any = None) -> bytes:
    """The object's bytes as they are stored. Raises SourceError if it cannot be read or is larger than `limit`."""
    parts = []
    size = 0
    for chunk in chunks(source, s3=s3):
        size += len(chunk)
        if size > limit:
            raise SourceError(Refusal(source.path, limit, f"larger than {limit} bytes: not read"))
        parts.append(chunk)
    return b"".join(parts)


def chunks(source: SourceObject, *, s3: Any = None) -> Iterator[bytes]:
    """The object's bytes as they are stored, about a megabyte at a time. Raises SourceError, also half-way."""
    offset = 0
    try:
        for chunk in _chunks(source, s3):
            offset += len(chunk)
            yield chunk
    except OSError as error:
        raise SourceError(Refusal(source.path, offset, f"cannot be read: {error.strerror or error}")) from error


def _chunks(source: SourceObject, s3: Any) -> Iterator[bytes]:
    if source.kind == "stdin":
        yield from iter(functools.partial(sys.stdin.buffer.read, CHUNK), b"")
    elif source.kind == "file":
        with Path(source.path).open("rb", buffering=0) as file:
            yield from iter(functools.partial(file.read, CHUNK), b"")
    else:
        yield from _object_chunks(source, s3)


def _object_chunks(source: SourceObject, s3: Any) -> Iterator[bytes]:
    from sakimori.aws.errors import PASSING, AwsError
    from sakimori.aws.objects import get_chunks, split_uri

    bucket, key = split_uri(source.path)
    try:
        yield from get_chunks(s3 or s3_client(), bucket, key, source.etag)
    except AwsError as error:
        raise SourceError(Refusal(source.path, 0, str(error)), passing=isinstance(error, PASSING)) from error


def s3_client() -> Any:
    """The S3 client of this process for the endpoint and profile of the environment."""
    return _s3_client(os.environ.get("AWS_ENDPOINT_URL"), os.environ.get("AWS_PROFILE"), os.getpid())


@functools.cache
def _s3_client(_endpoint: str | None, _profile: str | None, _process: int) -> Any:
    from sakimori.aws.session import client

    return client("s3")
