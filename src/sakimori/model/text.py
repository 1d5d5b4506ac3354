"""Text from logs and events as a database can hold it: NUL (PostgreSQL) and lone surrogates (UTF-8) become U+FFFD."""

from __future__ import annotations


def is_storable(text: str) -> bool:
    """Whether `text` surely has nothing in it that no database holds."""
    return text.isascii() and "\0" not in text


def storable(text: str) -> str:
    """`text` without what no database holds."""
    if is_storable(text):
        return text
    return "".join("\ufffd" if letter == "\0" or "\ud800" <= letter <= "\udfff" else letter for letter in text)
