"""Where Sakimori keeps its data: SAKIMORI_HOME, or the platform's folder for a user's data."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The data folder; it need not exist yet."""
    chosen = os.environ.get("SAKIMORI_HOME")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("sakimori"))


def lake_folder() -> Path:
    """Where the lake's Parquet files are."""
    return home() / "lake"


def ledger_place() -> str | Path:
    """The ledger: SAKIMORI_LEDGER if it is set (a database URL, such as `postgresql://`), else a file in the home."""
    return os.environ.get("SAKIMORI_LEDGER") or home() / "ledger.sqlite"
