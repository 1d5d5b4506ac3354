"""The files that a rule watches, as they are on a disk, below any root folder (`/` on a real host).

Symbolic links are looked at and never followed, special files are never opened, and nothing outside the root is read.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import msgspec

PIECE = 1 << 20


class Entry(msgspec.Struct, frozen=True):
    """What is remembered of a file: `contents` is the SHA-256 in hex, or where a link points; "" if not asked for."""

    type: str
    permissions: str
    owner: int
    group: int
    size: int
    modified: int
    contents: str = ""


class Unreadable(msgspec.Struct, frozen=True):
    """A file or folder that could not be looked at."""

    path: str
    reason: str


def bases(root: Path, base: str) -> Iterator[tuple[str, Path]]:
    """(path on the host, path here) of every folder that a base means; it may have shell patterns in its segments."""
    top = Path(os.path.realpath(root))
    relative = base.replace("\\", "/").lstrip("/")
    found = sorted(top.glob(relative)) if re.search(r"[*?\[]", relative) else [top / relative]
    for place in found:
        real = Path(os.path.realpath(place))
        if real.is_dir() and (real == top or top in real.parents):
            yield "/" + place.relative_to(top).as_posix(), real


def files(
    folder: Path, *, subfolders: bool, include: Iterable[str], exclude: Iterable[str]
) -> Iterator[str | Unreadable]:
    """The paths, relative to the folder, of what the patterns mean; and what could not be listed."""
    wanted, unwanted = _matcher(tuple(include) or ("*",)), _matcher(tuple(exclude))
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(folder / below) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except FileNotFoundError:
            continue  # gone since it was listed
        except OSError as error:
            yield Unreadable(below, error.strerror or str(error))
            continue
        for entry in entries:
            path = f"{below}/{entry.name}" if below else entry.name
            if entry.is_dir(follow_symlinks=False):
                if subfolders and not (unwanted and unwanted.fullmatch(f"{path}/")):
                    waiting.append(path)
            elif wanted and wanted.fullmatch(path) and not (unwanted and unwanted.fullmatch(path)):
                yield path


@lru_cache(maxsize=1_024)
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    """One expression for shell patterns: of the whole path, or of the name where a pattern has no `/`."""
    if not patterns:
        return None
    parts = []
    for pattern in patterns:
        pattern = pattern.replace("\\", "/")
        translated = fnmatch.translate(pattern)
        parts.append(translated if "/" in pattern else rf"(?:.*/)?{translated}")
    return re.compile("|".join(f"(?:{part})" for part in parts), re.DOTALL)


def look(path: Path, *, contents: bool) -> Entry | None:
    """What a file is now; None if it is gone. Raises OSError if it cannot be read."""
    try:
        status = os.lstat(path)
        return Entry(
            _type(status.st_mode),
            f"{stat.S_IMODE(status.st_mode):04o}",
            status.st_uid,
            status.st_gid,
            status.st_size,
            status.st_mtime_ns,
            _contents(path, status.st_mode) if contents else "",
        )
    except FileNotFoundError:
        return None


def _type(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    return "link" if stat.S_ISLNK(mode) else "special"


def _contents(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return f"-> {path.readlink()}"
    if not stat.S_ISREG(mode):
        return ""
    digest = hashlib.sha256()
    with opened(path) as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def opened(path: Path) -> BinaryIO:
    """A file's bytes, not through a link or a pipe that has taken its place since it was looked at. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    return open(descriptor, "rb", buffering=0)  # noqa: PTH123 # an open descriptor has no path
