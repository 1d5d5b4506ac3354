"""Files that only save time: written aside and renamed, so that none is ever half there."""

from __future__ import annotations

import os
from pathlib import Path

KEPT_FILES = 16


def put_aside(place: Path, content: bytes) -> None:
    """Keeps `content` at `place`, and of its kind there only the newest few. One that cannot be kept is not."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_suffix(f".{os.getpid()}")
        aside.write_bytes(content)
        aside.replace(place)
        others = sorted(place.parent.glob(f"*{place.suffix}"), key=lambda path: path.stat().st_mtime)
        for old in others[:-KEPT_FILES]:
            old.unlink(missing_ok=True)
    except OSError:
        return
