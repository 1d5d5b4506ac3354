"""What was added to log files since they were last read: whole lines, through rotation, a bounded piece at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

PIECE = 4 << 20
"""Bytes of one file that are read at a time."""


class Place(msgspec.Struct, frozen=True):
    """How far a file was read: bytes and lines. `inode` tells whether it is still the same one."""

    inode: int
    offset: int
    line: int


class Added(msgspec.Struct, frozen=True):
    """New lines of the log at `path` on the host. `place` is where reading goes on once they are dealt with."""

    path: str
    first: int
    lines: list[str]
    place: Place


def logs(root: Path, locations: Iterable[str]) -> list[str]:
    """The files, as paths on the host, that shell patterns of locations mean."""
    top = Path(os.path.realpath(root))
    found = set()
    for location in locations:
        if not location.startswith("/"):
            continue  # the channel of a Windows event log
        for path in top.glob(location.lstrip("/")):
            real = Path(os.path.realpath(path))
            if real.is_file() and top in real.parents:
                found.add("/" + path.relative_to(top).as_posix())
    return sorted(found)


def added(root: Path, paths: Iterable[str], known: dict[str, Place]) -> Iterator[Added]:
    """What is new in each log. A file that was never read is read from its beginning, one that shrank too."""
    for path in paths:
        with (root / path.lstrip("/")).open("rb") as file:
            status = os.fstat(file.fileno())
            place = known.get(path)
            if place is None or place.inode != status.st_ino or place.offset > status.st_size:
                place = Place(status.st_ino, 0, 0)
            file.seek(place.offset)
            piece = file.read(PIECE)
            end = piece.rfind(b"\n") + 1
            if not end and len(piece) == PIECE:
                end = PIECE  # a line without an end is taken in pieces
            if not end:
                continue
            lines = piece[:end].decode("utf-8", "replace").splitlines()
            after = Place(place.inode, place.offset + end, place.line + len(lines))
            yield Added(path, place.line + 1, lines, after)
