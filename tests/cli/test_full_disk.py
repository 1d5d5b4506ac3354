"""A disk that is full is told in words, and is no finding: the exit code is not 1."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", [("rules", "list"), ("doctor", "--iam", "--part", "1")])
def test_a_full_disk_is_told_in_words(words: tuple[str, ...], tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "sakimori", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            env=os.environ | {"SAKIMORI_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    assert (done.returncode, done.stderr) == (4, "failed: No space left on device: make room, and run it again\n")
