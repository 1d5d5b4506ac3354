"""Things to be read back in order, however many: what does not fit in memory waits in sorted runs on disk."""

from __future__ import annotations

import heapq
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from operator import itemgetter
from typing import IO, Any, Generic, TypeVar

K = TypeVar("K", bound=tuple[Any, ...])
V = TypeVar("V")

_AT_ONCE = 1000


class Spool(Generic[K, V]):
    """Sorted runs of (key, value). The files have no names: they are gone with the process, whatever ends it."""

    def __init__(self) -> None:
        self._runs: list[IO[bytes]] = []

    def __bool__(self) -> bool:
        return bool(self._runs)

    def write(self, items: Iterable[tuple[K, V]]) -> None:
        """One run; the items need not be sorted. Raises OSError where the temporary folder is full."""
        run = tempfile.TemporaryFile(prefix="sakimori-")  # noqa: SIM115  # it lives as long as the spool
        self._runs.append(run)
        ordered = iter(sorted(items, key=itemgetter(0)))
        while some := list(islice(ordered, _AT_ONCE)):
            pickle.dump(some, run, protocol=5)

    def merged(self, last: Iterable[tuple[K, V]]) -> Iterator[tuple[K, V]]:
        """Everything written, and `last`, which never was, by key."""
        runs = [_read(run) for run in self._runs]
        return heapq.merge(*runs, sorted(last, key=itemgetter(0)), key=itemgetter(0))


def _read(run: IO[bytes]) -> Iterator[tuple[Any, Any]]:
    run.seek(0)
    while True:
        try:
            some = pickle.load(run)  # noqa: S301  # our own, from a file that nobody else can name
        except EOFError:
            return
        yield from some
