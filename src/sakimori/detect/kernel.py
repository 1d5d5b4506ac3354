"""`kernel.c` from Python: compiled rules, and what a text's hits look like."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from sakimori.detect.kernel_build import library
from sakimori.detect.tables import Tables

_NOT_CLEAN = -1


class NotClean(Exception):
    """The text has something in it that only the exact path gets right."""


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

    def scan(self, text: bytes | bytearray, start: int, end: int, *, check: bool) -> tuple[int, bytes]:
        """How many records stand from `start` to `end` (`record,record,...`), and what is told of those that match, or
        may: a JSON array of arrays, which `reading.Told` reads.

        Raises NotClean: nothing passes but valid JSON in UTF-8, without space between tokens, in which no object has a
        key twice and no key has escapes, every field has its right type and every record a name of the call. Without
        `check` the text is one that orjson wrote, and no values are told.
        """
        told, length, is_ascii = ctypes.c_void_p(), ctypes.c_uint64(), ctypes.c_int32()
        given = (self._kernel, _address(text) + start, end - start, check)
        count = _library().kernel_scan(*given, ctypes.byref(told), ctypes.byref(length), ctypes.byref(is_ascii))
        if count == _NOT_CLEAN:
            raise NotClean
        if count < 0:
            raise MemoryError
        if not is_ascii.value:
            _check_utf8(text[start:end])
        return count, ctypes.string_at(told, length.value)


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
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int32, ctypes.c_int32),
        *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),
    ]
    return found
