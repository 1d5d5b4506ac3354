"""Text and JSON as SQL can hold them (`model/text.py`)."""

from __future__ import annotations

import json
from typing import Any

import orjson

from sakimori.model.text import is_storable, storable

__all__ = ["is_storable", "storable", "storable_json"]


def storable_json(value: Any) -> str:
    """`value` as JSON text; JSON escapes NUL and surrogates, so nothing of it is lost."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # half surrogates, numbers past 64 bits, types that JSON does not know
        return json.dumps(value, default=str)
