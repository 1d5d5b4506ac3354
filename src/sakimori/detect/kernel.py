"""`kernel.c` from Python: compiled rules, and what a text's hits look like."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, NamedTuple

from sakimori.detect.kernel_build import library
from sakimori.detect.tables import Tables

_NOT_CLEAN = -1


class NotClean(Exception):
    """The text has something in it that only the exact path gets right."""


class Scanned(NamedTuple):
    """How many records there are, and what is found in them, as JSON arrays of arrays.

    `told` has the records that match or may, as `reading.Told`; `ready` the `matches` of others, as `grouping.Ready`;
    `pending` those that are matches if the rule's one regular expression is found in the value that is shown.
    """

    records: int
    told: bytes
    matches: int
    ready: bytes
    pending: bytes


class _Found(ctypes.Structure):
    """As in `kernel.c`."""

    _fields_ = (
        ("told", ctypes.c_void_p),
        ("told_length", ctypes.c_uint64),
        ("ready", ctypes.c_void_p),
        ("ready_length", ctypes.c_uint64),
        ("pending", ctypes.c_void_p),
        ("pending_length", ctypes.c_uint64),
        ("ready_count", ctypes.c_int32),
        ("is_ascii", ctypes.c_int32),
    )


class Kernel:
    """Rules, ready to scan. One text at a time; the interpreter's lock is held meanwhile."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        sizes = [argument for table in _fields(tables) for argument in (table, len(table))]
        self._kernel = _library().kernel_new(*sizes)
        if not self._kernel:
            raise MemoryError

    def __reduce__(self) -> tuple[Any, ...]:
        return Kernel, (self._tables,)

    def __del__(self) -> None:
        if getattr(self, "_kernel", None):
            _library().kernel_free(self._kernel)

    def scan(self, text: bytes | bytearray, start: int, end: int, *, check: bool, wants_ready: bool = False) -> Scanned:
        """What is found from `start` to `end` (`record,record,...`).

        Raises NotClean: nothing passes but valid JSON in UTF-8, without space between tokens, in which no object has a
        key twice and no key has escapes, every field has its right type and every record a name of the call. Without
        `check` the text is one that orjson wrote, and no values are told.
        """
        found = _Found()
        given = (self._kernel, _address(text) + start, end - start, check, wants_ready)
        count = _library().kernel_scan(*given, ctypes.byref(found))
        if count == _NOT_CLEAN:
            raise NotClean
        if count < 0:
            raise MemoryError
        if not found.is_ascii:
            _check_utf8(text[start:end])
        lists = (
            (found.told, found.told_length),
            (found.ready, found.ready_length),
            (found.pending, found.pending_length),
        )
        told, ready, pending = (ctypes.string_at(*each) for each in lists)
        return Scanned(count, told, found.ready_count, ready, pending)


def _address(text: bytes | bytearray) -> int:
    if isinstance(text, bytearray):
        return ctypes.addressof(ctypes.c_char.from_buffer(text))
    return ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p).value or 0


def _check_utf8(text: bytes | bytearray) -> None:
    try:
        text.decode()
    except UnicodeDecodeError:
        raise NotClean from None


def _fields(tables: Tables) -> tuple[bytes, ...]:
    return tuple(getattr(tables, name) for name in tables.__struct_fields__)


@cache
def _library() -> Any:
    found = ctypes.PyDLL(str(library()))
    found.kernel_new.restype = ctypes.c_void_p
    found.kernel_new.argtypes = [ctypes.c_char_p, ctypes.c_int32] * len(Tables.__struct_fields__)
    found.kernel_free.argtypes = [ctypes.c_void_p]
    found.kernel_scan.argtypes = [
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32, ctypes.c_int32, ctypes.c_void_p),
    ]
    return found
