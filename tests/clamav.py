"""A real clamd, with signatures of the tests' own making: what they find is harmless text."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sakimori.scan.malware.clamd import Clamd, ScannerError

ROOT = Path(__file__).parents[1]
CLAMD = shutil.which("clamd") or str(ROOT / "build" / "clamav" / "run")
needs_clamd = pytest.mark.skipif(not Path(CLAMD).exists(), reason="no clamd here: run tools/clamav.sh")

BAD = b"sakimori: this text stands for malware in a test"
NAME = "Sakimori.Test.Text.UNOFFICIAL"
LONGEST = 100_000
"""The longest stream that it takes, in bytes."""


@contextmanager
def clamd() -> Iterator[Clamd]:
    with tempfile.TemporaryDirectory(prefix="clamd") as folder:  # a socket's path may not be long
        place = Path(folder)
        (place / "test.ndb").write_text(f"Sakimori.Test.Text:0:*:{BAD.hex()}\n")
        lines = (
            f"DatabaseDirectory {place}",
            f"LocalSocket {place}/socket",
            "Foreground yes",
            "StreamMaxLength 100000",
        )
        (place / "clamd.conf").write_text("\n".join(lines) + "\n")
        command = [CLAMD, "--config-file", str(place / "clamd.conf")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            scanner = Clamd(f"{place}/socket")
            _wait(process, scanner)
            yield scanner
        finally:
            process.terminate()
            process.communicate()


def _wait(process: subprocess.Popen[str], scanner: Clamd) -> None:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        try:
            scanner.version()
            return
        except ScannerError:
            continue
    raise AssertionError(f"clamd ended: {''.join(said)}")
