"""How the interpreter and the C library are set for a pass over many large texts."""

from __future__ import annotations

import ctypes
import gc
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""mallopt(3)."""

_KEPT = 1 << 28


def spare_the_collector() -> None:
    """For a process that only scans: no cyclic collection, and freed text buffers are used again.

    Scanning makes no reference cycles. glibc gives a freed 20 MB buffer back to the kernel and takes it again, page by
    page, for the next file: a fifth of the time of decompression.
    """
    gc.freeze()
    gc.disable()
    if sys.platform == "linux":
        try:
            libc = ctypes.CDLL(None)
            libc.mallopt(_M_MMAP_THRESHOLD, _KEPT)
            libc.mallopt(_M_TRIM_THRESHOLD, _KEPT)
        except (OSError, AttributeError):
            return  # a C library without mallopt: slower, nothing else
