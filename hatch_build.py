"""Compiles the detection kernel when the project is built or installed (see CONTRIBUTING.md)."""

from __future__ import annotations

import runpy
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelHook(BuildHookInterface):  # type: ignore[type-arg]  # its configuration is nothing to us
    """A wheel holds the compiled library, and is for one kind of machine and any Python."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        kernel = runpy.run_path(str(Path(self.root) / "src" / "sakimori" / "detect" / "kernel_build.py"))
        library: Path = kernel["library"]()
        build_data["artifacts"].append(library.relative_to(self.root).as_posix())
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
