"""A record as hits have it: opened from its text."""

from __future__ import annotations

from typing import Any

import orjson

from sakimori.detect.reading import OpenedRecord, opened


def opened_record(record: dict[str, Any]) -> OpenedRecord:
    """The record, as a hit in a clean text has it."""
    return opened(orjson.dumps(record))
