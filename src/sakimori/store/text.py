"""Text from logs as SQL can hold it: NUL (PostgreSQL) and lone surrogates (UTF-8) become U+FFFD."""

from __future__ import annotations

import json
from typing import Any

import orjson


def is_storable(text: str) -> bool:
    """Whether `text` surely has nothing in it that no database holds."""
    return text.isascii() and "\0" not in text


def storable(text: str) -> str:
    """`text` without what no database holds."""
    if is_storable(text):
        return text
    return "".join("\ufffd" if letter == "\0" or "\ud800" <= letter <= "\udfff" else letter for letter in text)


def storable_json(value: Any) -> str:
    """`value` as JSON text; JSON escapes NUL and surrogates, so nothing of it is lost."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # half surrogates, numbers past 64 bits, types that JSON does not know
        return json.dumps(value, default=str)
