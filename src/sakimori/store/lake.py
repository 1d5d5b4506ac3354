"""The lake: append-only records in Parquet files, laid out as AWS Security Lake does.

    <root>/cloudtrail/region=R/accountId=A/eventDay=YYYYMMDD/<object uid>.parquet

A file is written aside, under `<root>/.pending/`, which nothing globs, synced, and renamed into place: it is there
whole or not at all, under a name that the object's content gives, so that writing it again changes nothing. What is
in the lake is what the ledger lists; a file that the ledger does not list is not read.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sakimori.model.record import COLUMNS, SCHEMA_VERSION, Column

if TYPE_CHECKING:
    import pyarrow as pa

PENDING = ".pending"
MIXED = "mixed"
UNKNOWN = "unknown"
MAX_DAYS = 40
"""Files that one object may open. A month's export fits; what goes beyond is kept together in `eventDay=mixed`."""

DAY_MS = 86_400_000
_NO_DAY = -(2**62)
_MANY_DAYS = 2**62
_ACCOUNT = re.compile(r"\d{12}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")
_UNIQUE_TEXT = ("metadata.uid", "api.request.uid", "unmapped.shared_event_id", "raw_data")
"""Columns in which nearly every value differs: a dictionary would only cost time."""

_STATISTICS = ("time", "time_dt", "api.operation", "api.service.name", "cloud.region", "cloud.account.uid")
"""Columns by which readers skip row groups."""


class LakeError(Exception):
    """The lake cannot be read or written; the message says what, where, why and what to do."""


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One Parquet file. `path` is relative to the lake's root; `first` and `last` bound its records' times (ms UTC).

    Both are None if no record in it has a time.
    """

    path: str
    rows: int
    bytes: int
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class Lake:
    """A lake by its root folder, which exists."""

    root: Path


@cache
def arrow_schema() -> pa.Schema:
    """The columns of `model/record.py` as an Arrow schema of nested structs, with our `schema_version`."""
    import pyarrow as pa

    version = {b"schema_version": str(SCHEMA_VERSION).encode(), b"schema": b"sakimori.cloudtrail"}
    return pa.schema(_arrow_fields(COLUMNS, ""), metadata=version)


def _arrow_fields(columns: Sequence[Column], prefix: str) -> list[pa.Field]:
    import pyarrow as pa

    leaf = {
        "string": pa.string(),
        "int32": pa.int32(),
        "int64": pa.int64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("ms", "UTC"),
        "strings": pa.list_(pa.string()),
    }
    below: dict[str, list[Column]] = {}
    for column in columns:
        below.setdefault(column.name.removeprefix(prefix).partition(".")[0], []).append(column)
    fields = []
    for name, inner in below.items():
        if len(inner) == 1 and inner[0].name == prefix + name:
            fields.append(pa.field(name, leaf[inner[0].type]))
            continue
        struct = pa.struct(_arrow_fields(inner, f"{prefix}{name}."))
        fields.append(pa.field(name.removesuffix("[]"), pa.list_(struct) if name.endswith("[]") else struct))
    return fields


def open_lake(root: Path) -> Lake:
    """The lake at `root`, made if it is not there. Raises LakeError where that cannot be done."""
    with explained(root, "open"):
        (root / "cloudtrail").mkdir(parents=True, exist_ok=True)
    return Lake(root.resolve())


@contextmanager
def pending(lake: Lake) -> Iterator[Path]:
    """A folder for this run's unfinished files, gone afterwards; what killed runs left behind is removed.

    A run holds a lock on its folder. The system drops the lock when the last process of the run is gone, however it
    went, so a folder whose lock is free belongs to nobody.
    """
    area = lake.root / PENDING
    with explained(area, "write to"):
        area.mkdir(exist_ok=True)
        _remove_abandoned(area)
        folder, lock = _own_folder(area)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _own_folder(area: Path) -> tuple[Path, int]:
    while True:
        folder = area / f"run-{os.getpid()}-{os.urandom(4).hex()}"
        folder.mkdir()
        lock = _lock(folder)
        if lock is not None and folder.exists():
            return folder, lock
        # Another run took the new folder for an abandoned one, in the moment before it was locked.
        if lock is not None:
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """The folder's lock, held while the descriptor is open; None if another run holds it or it is gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _remove_abandoned(area: Path) -> None:
    for folder in area.glob("run-*"):
        lock = _lock(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def write_object(lake: Lake, folder: Path, uid: str, batches: Iterator[pa.RecordBatch]) -> list[LakeFile]:
    """Writes one object's records, a file for each day they fall on, and returns what is now in place.

    `folder` is this run's, from `pending`. The same batches give the same files, byte by byte. Raises LakeError (no
    space, read-only, no permission) and what `batches` raises; then nothing was put in place that a repetition would
    not replace.
    """
    parts = _ObjectWriter(folder, uid)
    try:
        for batch in batches:
            with explained(lake.root, "write to"):
                parts.write(batch)
        with explained(lake.root, "write to"):
            return [_put_in_place(lake, uid, parts, day) for day in sorted(parts.days)]
    finally:
        parts.remove()


class _ObjectWriter:
    """The open files of one object, a day each, and what its records have been seen to be."""

    def __init__(self, folder: Path, uid: str) -> None:
        self.folder = folder
        self.uid = uid
        self.days: dict[int, _DayFile] = {}
        self.accounts: set[str | None] = set()
        self.regions: set[str | None] = set()

    def write(self, batch: pa.RecordBatch) -> None:
        import pyarrow.compute as pc

        cloud = batch.column("cloud")
        self.accounts.update(pc.struct_field(cloud, ["account", "uid"]).unique().to_pylist())
        self.regions.update(pc.struct_field(cloud, "region").unique().to_pylist())
        for day, rows in _by_day(batch):
            self._file(day).write(rows)

    def _file(self, day: int) -> _DayFile:
        if day not in self.days and len(self.days) >= MAX_DAYS:
            day = _MANY_DAYS
        if day not in self.days:
            self.days[day] = _DayFile(self.folder / f"{self.uid}.{day}.parquet")
        return self.days[day]

    def remove(self) -> None:
        """Leaves nothing behind of what was not put in place."""
        for part in self.days.values():
            part.path.unlink(missing_ok=True)

    def partition(self) -> str:
        if len(self.accounts) > 1 or len(self.regions) > 1:
            return f"region={MIXED}/accountId={MIXED}"
        region, account = next(iter(self.regions)) or "", next(iter(self.accounts)) or ""
        # Both come out of a log that anyone may have written: only what looks right becomes part of a path.
        region = region if _REGION.fullmatch(region) else UNKNOWN
        return f"region={region}/accountId={account if _ACCOUNT.fullmatch(account) else UNKNOWN}"


def _by_day(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of each day, in order; days count from 1970. Records without a time come under `_NO_DAY`."""
    import pyarrow.compute as pc

    time = batch.column("time")
    span = pc.min_max(time).as_py()
    if time.null_count == 0 and span["min"] // DAY_MS == span["max"] // DAY_MS:
        yield span["min"] // DAY_MS, batch
        return
    days = pc.floor(pc.divide(time.cast("float64"), float(DAY_MS))).cast("int64").fill_null(_NO_DAY)
    for day in days.unique().to_pylist():
        yield day, batch.filter(pc.equal(days, day))


class _DayFile:
    """One Parquet file while it is being written."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet as pq

        schema = arrow_schema()
        leaves = [c.name.replace("[]", ".list.element") for c in COLUMNS if c.name not in _UNIQUE_TEXT]
        self.path = path
        self.rows = 0
        self.first: int | None = None
        self.last: int | None = None
        self.writer = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=leaves,
            write_statistics=list(_STATISTICS),
        )

    def write(self, rows: pa.RecordBatch) -> None:
        import pyarrow.compute as pc

        self.writer.write_batch(rows)
        self.rows += rows.num_rows
        span = pc.min_max(rows.column("time")).as_py()
        times = [time for time in (self.first, self.last, span["min"], span["max"]) if time is not None]
        if times:
            self.first, self.last = min(times), max(times)


def _put_in_place(lake: Lake, uid: str, parts: _ObjectWriter, day: int) -> LakeFile:
    part = parts.days[day]
    part.writer.close()
    descriptor = os.open(part.path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        size = os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
    place = lake.root / "cloudtrail" / parts.partition() / f"eventDay={_day_name(day)}"
    place.mkdir(parents=True, exist_ok=True)
    part.path.rename(place / f"{uid}.parquet")
    _sync_folder(place)
    path = (place / f"{uid}.parquet").relative_to(lake.root).as_posix()
    return LakeFile(path, part.rows, size, part.first, part.last)


def _day_name(day: int) -> str:
    if day == _NO_DAY:
        return UNKNOWN
    if day == _MANY_DAYS:
        return MIXED
    return (date(1970, 1, 1) + timedelta(days=day)).strftime("%Y%m%d")


def _sync_folder(folder: Path) -> None:
    """Makes a rename into `folder` last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def prune(files: Iterable[LakeFile], since: int | None = None, until: int | None = None) -> list[LakeFile]:
    """The files that can hold records with `since <= time < until` (milliseconds UTC).

    Records without a time are in no bounded range.
    """
    if since is None and until is None:
        return list(files)
    return [
        file
        for file in files
        if file.first is not None
        and file.last is not None
        and (since is None or file.last >= since)
        and (until is None or file.first < until)
    ]


def read_batches(
    lake: Lake,
    files: Iterable[LakeFile],
    columns: Sequence[str] | None = None,
    *,
    since: int | None = None,
    until: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """The records of `files` (from the ledger) with `since <= time < until`, file by file, in bounded batches.

    `columns` are dotted names; None is all. Raises LakeError, naming the file, where one is missing or damaged.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    bounded = since is not None or until is not None
    wanted = None if columns is None else [*columns, *(["time"] if bounded and "time" not in columns else [])]
    for file in prune(files, since, until):
        try:
            with pq.ParquetFile(lake.root / file.path) as source:
                for batch in source.iter_batches(columns=wanted):
                    keep = pa.repeat(True, batch.num_rows)
                    if since is not None:
                        keep = pc.and_kleene(keep, pc.greater_equal(batch.column("time"), since))
                    if until is not None:
                        keep = pc.and_kleene(keep, pc.less(batch.column("time"), until))
                    yield batch.filter(keep) if bounded else batch
        except (OSError, pa.ArrowException) as error:
            raise LakeError(
                f"cannot read {lake.root / file.path}, which the ledger lists: {_first_line(error)}. "
                "Restore the file from a backup, or ingest its source object into a new lake"
            ) from error


@contextmanager
def explained(place: Path, what: str) -> Iterator[None]:
    """OSErrors as LakeErrors that say what to do."""
    try:
        yield
    except OSError as error:
        advice = {
            errno.ENOSPC: "the disk is full: free some space and run the same command again",
            errno.EDQUOT: "the disk quota is used up: free some space and run the same command again",
            errno.EROFS: "the file system is read-only: choose another place with --lake or make it writable",
            errno.EACCES: "permission denied: choose another place with --lake or change its permissions",
            errno.EPERM: "not permitted: choose another place with --lake or change its permissions",
            errno.ENOTDIR: "a part of the path is a file: choose another place with --lake",
        }.get(error.errno or 0, f"{_first_line(error)}: see to that and run the same command again")
        raise LakeError(f"cannot {what} the lake at {place}: {advice}; nothing was lost") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
