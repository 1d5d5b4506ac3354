"""Trend Micro's own SDK judges what the stand-in for its manager was asked and answered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
JUDGE = Path(__file__).parent / "trend" / "judge.py"


def sdk() -> str:
    """The interpreter that has the SDK."""
    command = [ROOT / "tools" / "trend-sdk.sh", sys.executable, ROOT / "build" / "trend-sdk"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def run(script: Path, *arguments: str) -> dict[str, Any]:
    """What a script says in its last line, run with the SDK."""
    done = subprocess.run([sdk(), "-W", "ignore", script, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def judged(exchanges: Iterable[dict[str, Any]], folder: Path) -> dict[str, Any]:
    """What the SDK's models say of exchanges; what only our own manager has (`/sakimori`) is not theirs to judge."""
    place = folder / "exchanges.json"
    place.write_text(json.dumps([each for each in exchanges if not each["path"].startswith("/sakimori")]))
    return run(JUDGE, str(place))
