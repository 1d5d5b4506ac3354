"""AWS Config's files: configuration items out of every wrapping that they come in, and of each resource the newest."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sakimori.discover.snapshot import SnapshotError

COLUMNS = (
    *("accountId", "awsRegion", "resourceType", "resourceId", "resourceName", "arn"),
    *("configuration", "supplementaryConfiguration", "tags"),
)
"""What an advanced query has to select."""

GONE = frozenset(("ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded"))
"""`configurationItemStatus` of what is not there."""

WRAPPINGS = (
    *("configurationItems", "baseConfigurationItems", "BaseConfigurationItems", "Results", "results"),
    *("configurationItem", "ConfigurationItem"),
)
"""Where items stand: in snapshots and histories, in what the CLI prints of single resources, in query results, in the
notification of a change."""

SUFFIXES = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".gz")
"""How files in a folder end that may hold items."""


def items(place: Path) -> Iterator[Mapping[str, Any]]:
    """Every configuration item of a file, or of all files below a folder. Raises SnapshotError."""
    if not place.is_dir():
        yield from _items(place)
        return
    files = sorted(file for file in place.rglob("*") if file.name.endswith(SUFFIXES) and file.is_file())
    if not files:
        raise SnapshotError(
            f"{place}: holds no file that ends in {', '.join(SUFFIXES)}: name an export, or their folder"
        )
    for file in files:
        yield from _items(file)


def current(items: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """What is there: of each resource its newest item, unless that says that it is gone; of the revisions of a task
    definition the newest that is active, as the calls give it."""
    newest: dict[tuple[str, ...], tuple[str, Mapping[str, Any]]] = {}
    for item in items:
        name = str(item.get("ARN") or item.get("arn") or item.get("resourceId") or "")
        account = str(item.get("awsAccountId") or item.get("accountId") or "")
        key = account, str(item.get("awsRegion")), str(item.get("resourceType")), name
        captured = str(item.get("configurationItemCaptureTime") or "")
        known = newest.get(key)
        if known is None or captured >= known[0]:
            newest[key] = captured, item
    revisions: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for (_, _, kind, name), (_, item) in newest.items():
        if item.get("configurationItemStatus") in GONE:
            continue
        family, _, revision = name.rpartition(":")
        if kind != "AWS::ECS::TaskDefinition" or not revision.isdigit():
            yield item
        elif '"INACTIVE"' not in json.dumps(item.get("configuration")):
            revisions[family] = max(revisions.get(family, (0, item)), (int(revision), item), key=lambda each: each[0])
    yield from (item for _, item in revisions.values())


def _items(file: Path) -> Iterator[Mapping[str, Any]]:
    try:
        raw = file.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    except (UnicodeDecodeError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SnapshotError(f"{file}: is no JSON text: {error}: export it again, as JSON") from error
    except OSError as error:
        raise SnapshotError(f"{file}: cannot be read: {error.strerror or error}: check the file") from error
    if not text.strip():
        raise SnapshotError(f"{file}: is empty: export it again, as JSON")
    for value in _values(file, text):
        yield from _unwrapped(file, value)


def _values(file: Path, text: str) -> Iterator[Any]:
    try:
        yield json.loads(text)
        return
    except ValueError as error:
        first = error
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                told = first if number == 1 else error
                raise SnapshotError(f"{file}: line {number}: is not JSON: {told}: export it again, as JSON") from None


def _unwrapped(file: Path, value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, str):  # select-resource-config gives each result as text
        try:
            value = json.loads(value)
        except ValueError as error:
            raise SnapshotError(f"{file}: a result is not JSON: {error}: export it again, as JSON") from None
    if isinstance(value, list):
        for each in value:
            yield from _unwrapped(file, each)
        return
    if not isinstance(value, dict):
        raise SnapshotError(f"{file}: holds a {type(value).__name__} where a configuration item should be")
    for wrapping in WRAPPINGS:
        if isinstance(value.get(wrapping), (list, dict)):
            yield from _unwrapped(file, value[wrapping])
            return
    if "resourceType" not in value:
        raise SnapshotError(
            f"{file}: holds neither configurationItems nor query results with resourceType: export a snapshot, or the "
            f"query SELECT {', '.join(COLUMNS)}"
        )
    yield value
