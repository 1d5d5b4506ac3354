"""Start-up: what `--help` must not load, and how long the first answers take (printed, not judged: run with -s)."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from program import attack, command, delivered, environment, found_records, sakimori

HEAVY = ("pyarrow", "duckdb", "boto3", "botocore", "sqlalchemy", "msgspec", "re2", "sigma", "rich.console")


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    script = "import atexit, sys; sys.argv = ['sakimori', '--help']\nfrom sakimori.cli import main\n"
    script += f"atexit.register(lambda: print([each for each in {HEAVY} if each in sys.modules], file=sys.stderr))\n"
    script += "main()\n"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(tmp_path), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0
    assert "detect" in done.stdout
    assert done.stderr == "[]\n"


def test_how_long_the_first_answers_take(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_bytes(delivered(attack(1)))
    found_records(sakimori(tmp_path, "detect", log))  # the rules are compiled once
    for name, words in {"--help": ("--help",), "detect on one small file": ("detect", log)}.items():
        taken = []
        for _ in range(5):
            begin = time.perf_counter()
            subprocess.run(command(*words), env=environment(tmp_path), capture_output=True, check=True, timeout=60)
            taken.append(time.perf_counter() - begin)
        print(f"sakimori {name}: {sorted(taken)[2]:.2f} s (median of 5, best {min(taken):.2f} s)")
