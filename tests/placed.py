"""A record as hits have it: in a text, with the places of its fields."""

from __future__ import annotations

from typing import Any

import orjson

from sakimori.detect import ir
from sakimori.detect.kernel import Kernel
from sakimori.detect.reading import PlacedRecord
from sakimori.detect.tables import prepared

_EVERY_RECORD = Kernel(prepared([ir.Null("no.such.field")]))


def placed(record: dict[str, Any]) -> PlacedRecord:
    """The record, as a hit of a rule that matches every record."""
    text = orjson.dumps(record)
    _, rows = _EVERY_RECORD.scan(text, 0, len(text), check=False)
    ((row, rules),) = rows
    assert rules == [1]
    return PlacedRecord(text, 0, row)
