"""How the interpreter and the C library are set for a pass over many large texts."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""mallopt(3)."""

_KEPT = 1 << 28

_MADV_HUGEPAGE = 14
"""madvise(2)."""

_HUGE, _LARGE = 1 << 21, 1 << 26
"""Bytes of a huge page, and of memory asked to be made of them: room for a text, and for what is noted of it."""


def peak_bytes() -> int:
    """The largest resident size this process has had.

    Linux's getrusage(2) counts what ran in the process before it became this program, too: /proc does not.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024
    except (OSError, IndexError, ValueError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def spare_the_collector() -> None:
    """For a process that only scans: no cyclic collection, and freed text buffers are used again.

    Scanning makes no reference cycles.
    """
    gc.freeze()
    gc.disable()
    _use_buffers_again()


@contextmanager
def collector_spared() -> Iterator[None]:
    """The same for a while, and for the processes that are forked meanwhile; what is left over is collected then."""
    _use_buffers_again()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _use_buffers_again() -> None:
    """glibc gives a freed 20 MB buffer back to the kernel and takes it again, page by page, for the next file: a fifth
    of the time of decompression. What it keeps is in huge pages, where the system has them."""
    if sys.platform == "linux":
        try:
            libc = ctypes.CDLL(None)
            libc.mallopt(_M_MMAP_THRESHOLD, _KEPT)
            libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)
            _ask_for_huge_pages(libc)
        except (OSError, AttributeError):
            return  # a C library without mallopt: slower, nothing else


def _ask_for_huge_pages(libc: ctypes.CDLL) -> None:
    """Of the memory that the next large buffers come from; a system that has none goes on as before."""
    libc.malloc.restype = ctypes.c_void_p
    room = libc.malloc(ctypes.c_size_t(_LARGE + _HUGE))
    if room:
        start = -(-room // _HUGE) * _HUGE
        libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(_LARGE), _MADV_HUGEPAGE)
        libc.free(ctypes.c_void_p(room))
