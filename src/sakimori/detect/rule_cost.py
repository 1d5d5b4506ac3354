"""What each rule costs on given logs: how many records it matches or may match, and how long evaluating those took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sakimori.collect.decode import decode
from sakimori.collect.sources import SourceError, SourceObject, read
from sakimori.detect.engine import Engine
from sakimori.detect.evaluate import build
from sakimori.detect.kernel import NotClean
from sakimori.detect.reading import Piece, clean_pieces, exact_pieces
from sakimori.detect.rulebook import Rulebook
from sakimori.model.refusal import Refusal


@dataclass(slots=True)
class RuleCost:
    """`looked_at` records were evaluated by the rule in `seconds`; `matched` of them."""

    rule: str
    looked_at: int = 0
    matched: int = 0
    seconds: float = 0.0
    share: float = 0.0


@dataclass(slots=True)
class Costs:
    """The rules that looked at anything, the costliest first."""

    records: int
    seconds: float
    rules: list[RuleCost]


def measure(book: Rulebook, sources: Iterable[SourceObject], refuse: Callable[[object], None]) -> Costs:
    """Evaluates every rule on the records that it matches or may match, one by one under the clock."""
    engine = Engine(book.rules)
    tests = [build(rule.condition) for rule in book.rules]
    costs = [RuleCost(rule.meta.id) for rule in book.rules]
    records = 0
    for source in sources:
        for piece in _pieces(engine, source, refuse):
            count, hits, *_ = engine.candidates(piece)
            records += count
            for hit in hits:
                record = hit.parsed or hit
                for rule in (rule >> 1 for rule in hit.rules):
                    began = time.perf_counter()
                    matched = tests[rule](record)
                    costs[rule].seconds += time.perf_counter() - began
                    costs[rule].looked_at += 1
                    costs[rule].matched += matched
    total = sum(each.seconds for each in costs)
    for each in costs:
        each.share = each.seconds / total if total else 0.0
    used = sorted((each for each in costs if each.looked_at), key=lambda each: -each.seconds)
    return Costs(records, total, used)


def _pieces(engine: Engine, source: SourceObject, refuse: Callable[[object], None]) -> Iterator[Piece]:
    try:
        decoded = decode(read(source), source.path)
    except SourceError as error:
        refuse(error.refusal)
        return
    refusals: list[Refusal] = list(decoded.refusals)
    if _is_clean(engine, decoded.text):
        yield from clean_pieces(decoded.text)
    elif decoded.text:
        yield from exact_pieces(decoded.text, source.path, refusals)
    for refusal in refusals:
        refuse(refusal)


def _is_clean(engine: Engine, text: bytes | bytearray) -> bool:
    """Whether all of the text is clean: asked first, since what was measured cannot be taken back."""
    try:
        for piece in clean_pieces(text):
            engine.candidates(piece)
    except NotClean:
        return False
    return True
