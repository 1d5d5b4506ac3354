"""Whether compiled code is for the machine that Lambda has: its processor, and a C library that is not newer.

Sources: "Executable and Linkable Format" (gABI), PEP 600 (manylinux), "Lambda runtimes" (Python 3.11 runs on Amazon
Linux 2 with glibc 2.26, later ones on Amazon Linux 2023 with glibc 2.34).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

MACHINES = {"x86_64": 62, "arm64": 183}
"""ELF's numbers of the processors."""

GLIBC = {(3, 11): 26}
LATER_GLIBC = 34
"""The minor version of glibc 2 that a runtime has."""


def misfit(native: Mapping[str, bytes], wheel: str, architecture: str, python: tuple[int, int] | None = None) -> str:
    """Why these compiled files do not run there; "" if they do, or there are none. `wheel` is the package's WHEEL."""
    if not native:
        return ""
    for name, data in native.items():
        machine = int.from_bytes(data[18:20], "little") if data[:4] == b"\x7fELF" else 0
        if machine != MACHINES[architecture]:
            return f"{name} is {'for another processor' if machine else 'not for Linux'}"
    has = GLIBC.get(python or sys.version_info[:2], LATER_GLIBC)
    tags = re.findall(r"^Tag: .*-([^-\s]+)\s*$", wheel, re.M)
    asked = [17 if "manylinux2014" in tag else 12 if "manylinux2010" in tag else 5 for tag in tags if "linux20" in tag]
    asked += [5 for tag in tags if "manylinux1_" in tag]
    asked += [int(found[1]) for tag in tags for found in re.finditer(r"manylinux_2_(\d+)_", tag)]
    if not asked:
        return "it was built for this machine, and nobody knows for which version of glibc"
    return "" if min(asked) <= has else f"it needs glibc 2.{min(asked)}, and Lambda has 2.{has}"
