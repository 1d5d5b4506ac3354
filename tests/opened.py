"""A record as hits have it: told by the kernel, in a clean text or in any other."""

from __future__ import annotations

from typing import Any

import orjson

from sakimori.detect import ir
from sakimori.detect.engine import Engine
from sakimori.detect.kernel import NotClean
from sakimori.detect.reading import Piece, Told, record_pieces

_EVERY_RECORD = ir.Rule(meta=None, condition=ir.Null("no.such.field"))  # type: ignore[arg-type]
_ENGINE = Engine([_EVERY_RECORD])


def told(record: dict[str, Any]) -> Told:
    """The record as a hit in a text that is not clean."""
    (piece,) = record_pieces([orjson.dumps(record)])
    _, (hit,), *_ = _ENGINE.candidates(piece)
    return hit


def told_of_clean(record: dict[str, Any]) -> Told | None:
    """The record as a hit in a clean text; None if such a text does not have it."""
    raw = orjson.dumps(record)
    try:
        _, (hit,), *_ = _ENGINE.candidates(Piece(raw, 0, len(raw)))
    except NotClean:
        return None
    return hit
