"""Compiles `kernel.c` to the shared library beside it, with the C compiler that the lock pins (`ziglang`).

Installing does it once; in a source tree it is done again when `kernel.c` is newer. The library needs glibc 2.28
(Debian 10, Amazon Linux 2023) and chooses by itself what the processor can do.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("kernel.c")
LIBRARY = SOURCE.with_name("libkernel.so")
_FLAGS = ("-std=gnu17", "-O3", "-shared", "-fPIC", "-fno-slp-vectorize", "-fno-sanitize=all")
_TARGETS = {("linux", "x86_64"): "x86_64-linux-gnu.2.28", ("linux", "aarch64"): "aarch64-linux-gnu.2.28"}


def library() -> Path:
    """The compiled library. Raises OSError if it is not there and cannot be made."""
    try:
        if LIBRARY.stat().st_mtime >= SOURCE.stat().st_mtime:
            return LIBRARY
    except OSError:
        if LIBRARY.exists():
            return LIBRARY  # installed without its source
    build()
    return LIBRARY


def build() -> None:
    """Compiles, aside and renamed, so that no process ever loads half a library."""
    target = _TARGETS.get((sys.platform, platform.machine()))
    aside = LIBRARY.with_suffix(f".{os.getpid()}")
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "ziglang", "cc", *_FLAGS, str(SOURCE), "-o", str(aside)]
        command += ["-target", target] if target else []
        caches = {"ZIG_LOCAL_CACHE_DIR": scratch, "ZIG_GLOBAL_CACHE_DIR": scratch}
        done = subprocess.run(command, env=os.environ | caches, capture_output=True, text=True)  # noqa: S603
    if done.returncode != 0:
        aside.unlink(missing_ok=True)
        raise OSError(f"cannot compile {SOURCE} with ziglang ({done.stderr.strip()[-500:]}): run `make setup` again")
    aside.replace(LIBRARY)


if __name__ == "__main__":
    build()
