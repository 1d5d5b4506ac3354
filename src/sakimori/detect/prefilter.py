"""Which rules could match which records, from the raw text alone: one pass of a multi-string matcher over all of it.

A record that no rule's literals point at is never decoded. What is pointed at may still not match; what is not pointed
at cannot (see `literals.py`). The same pass notices fields of a wrong type, so that clean text needs no second look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import hyperscan
import msgspec
import orjson

from sakimori.collect.shapes import FIELD_TYPES, IDENTITY_TYPES, wrong_types
from sakimori.detect import ir
from sakimori.detect.cache import put_aside
from sakimori.detect.fields import Json
from sakimori.detect.literals import ESCAPES, Cover, covers
from sakimori.detect.reading import NotClean, Piece

FREQUENT = 0.02
"""A rule whose rarest literals are in more than this share of records needs one of its second rarest there as well."""

COMMON = 0.2
"""Literals that are more common than this say too little for what finding them costs."""

FEW = 4
"""So many of them at most are looked for as well."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rules (by index) are found: `owners[i]` are those that literal i points at, `always` have no literal.

    A rule among `partners` is pointed at only if one of those literals (by id) is in the record, too.
    """

    literals: tuple[bytes, ...]
    owners: tuple[tuple[int, ...], ...]
    partners: Mapping[int, frozenset[int]]
    always: tuple[int, ...]


def plan(conditions: Sequence[ir.Condition]) -> Plan:
    """The plan for these rules' conditions."""
    owners: dict[bytes, list[int]] = {}
    partners: dict[int, frozenset[bytes]] = {}
    always: list[int] = []
    for index, condition in enumerate(conditions):
        found = covers(condition)
        if not found:
            always.append(index)
            continue
        for literal in found[0].literals:
            owners.setdefault(literal, []).append(index)
        if second := _worth_looking_for(found):
            partners[index] = second
    literals = sorted(owners.keys() | frozenset().union(*partners.values()))
    ids = {literal: number for number, literal in enumerate(literals)}
    return Plan(
        literals=tuple(literals),
        owners=tuple(tuple(owners.get(each, ())) for each in literals),
        partners={rule: frozenset(ids[each] for each in second) for rule, second in partners.items()},
        always=tuple(always),
    )


def _worth_looking_for(found: Sequence[Cover]) -> frozenset[bytes]:
    """Second literals that tell more than the first did: which service a call goes to, its name has said already."""
    if found[0].share < FREQUENT:
        return frozenset()
    telling = (cover.literals for cover in found[1:] if cover.share <= COMMON and len(cover.literals) <= FEW)
    return next((literals for literals in telling if not any(map(_names_a_service, literals))), frozenset())


def _names_a_service(literal: bytes) -> bool:
    return literal.endswith(b'.amazonaws.com"')


class _Kept(msgspec.Struct):
    """A plan and its compiled matcher, as they lie in the cache."""

    literals: tuple[bytes, ...]
    owners: tuple[tuple[int, ...], ...]
    partners: dict[int, frozenset[int]]
    always: tuple[int, ...]
    database: bytes


def prepared(conditions: Sequence[ir.Condition], place: Path | None = None) -> Prefilter:
    """The prefilter for these conditions; kept at `place`, if one is given, and taken from there the next time.

    Whoever gives a place gives another for other conditions. One that cannot be written costs time, nothing else.
    """
    if place is not None and (kept := _kept(place)) is not None:
        return kept
    found = plan(conditions)
    database = compile_database(found)
    if place is not None:
        content = _Kept(found.literals, found.owners, dict(found.partners), found.always, hyperscan.dumpb(database))
        put_aside(place, msgspec.msgpack.encode(content))
    return Prefilter(found, database)


def _kept(place: Path) -> Prefilter | None:
    try:
        kept = msgspec.msgpack.decode(place.read_bytes(), type=_Kept)
        database = hyperscan.loadb(kept.database, mode=hyperscan.HS_MODE_BLOCK)
        database.scratch = hyperscan.Scratch(database)
    except (OSError, msgspec.MsgspecError, hyperscan.error):
        return None  # not there yet, not whole, or made on another kind of processor: it is made again
    return Prefilter(Plan(kept.literals, kept.owners, kept.partners, kept.always), database)


def compile_database(found: Plan) -> hyperscan.Database:
    """The matcher for a plan: literal i has id i; the next id stands for `ESCAPES`, the one after for `_suspicions`."""
    suspicions = [_quoted(suspicion) for suspicion in _suspicions()]
    expressions = [*(_quoted(literal) for literal in found.literals), ESCAPES, *suspicions]
    count = len(found.literals)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=expressions,
        ids=[*range(count + 1), *[count + 1] * len(suspicions)],
        elements=len(expressions),
        flags=[hyperscan.HS_FLAG_CASELESS] * count + [0] * (1 + len(suspicions)),
    )
    return database


_OPENINGS = {"string": b'"', "object": b"{", "array": b"[", "boolean": b"tf"}
_ANY_OPENING = b'"{[tf-0123456789'
"""How JSON values begin, but for null, which every field may be."""


def _suspicions() -> Iterator[bytes]:
    """What stands where a field is of a wrong type, or another of the same name deeper in the record.

    Without space behind the colon, as in clean text.
    """
    for key, (kind, _) in (FIELD_TYPES | IDENTITY_TYPES).items():
        for opening in _ANY_OPENING:
            if opening not in _OPENINGS[kind]:
                yield b'"%s":%c' % (key.encode(), opening)


def _quoted(literal: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte if not chr(byte).isalnum() else bytes((byte,)) for byte in literal)


class Prefilter:
    """A plan with its compiled matcher."""

    def __init__(self, found: Plan, database: hyperscan.Database) -> None:
        self.plan, self.database = found, database
        self._escapes = len(found.literals)
        self._alone_points_at_nothing = [not rules for rules in found.owners] + [False, False]

    def candidates(self, piece: Piece) -> Iterator[tuple[int, Sequence[int]]]:
        """Each record (by index, in order) that some rule's literals point at, with those rules.

        Raises NotClean where a record has a field of a wrong type.
        """
        following, index = 0, -1
        literals: list[int] = []
        waiting: list[tuple[int, int]] = []  # literals that alone point at nothing, of records not looked at yet
        for literal, offset in self._hits(piece.text):
            if offset <= following:
                literals.append(literal)
            elif self._alone_points_at_nothing[literal]:
                waiting.append((literal, offset))
            else:
                if literals and (rules := self._rules(piece, index, literals)):
                    yield index, rules
                index = piece.index(offset)
                following = piece.marks[index + 1] - piece.lead
                start = piece.marks[index] - piece.lead
                literals = [literal, *(early for early, at in waiting if at > start)]
                waiting.clear()
        if literals and (rules := self._rules(piece, index, literals)):
            yield index, rules

    def _hits(self, text: bytes) -> list[tuple[int, int]]:
        """(literal, end offset) of everything found, in the order of the ends."""
        found: list[tuple[int, int]] = []
        add = found.append
        self.database.scan(text, match_event_handler=lambda i, _start, end, _flags, _context: add((i, end)))
        return found

    def _rules(self, piece: Piece, index: int, literals: Sequence[int]) -> Sequence[int]:
        owners, partners = self.plan.owners, self.plan.partners
        if max(literals) >= self._escapes:
            literals = self._looked_into(piece, index, literals)
        if len(literals) == 1:
            rules = owners[literals[0]]
            return rules if partners.keys().isdisjoint(rules) else [rule for rule in rules if rule not in partners]
        pointed = {rule for literal in literals for rule in owners[literal]}
        return [rule for rule in pointed if rule not in partners or not partners[rule].isdisjoint(literals)]

    def _looked_into(self, piece: Piece, index: int, literals: Sequence[int]) -> Sequence[int]:
        """The literals of a record that must be parsed to know: one with escapes, or with types that may be wrong."""
        start, end = piece.span(index)
        try:
            record = orjson.loads(piece.text[start:end])
        except orjson.JSONDecodeError:
            raise NotClean from None
        if not piece.judged and wrong_types(record):
            raise NotClean
        if self._escapes in literals:
            literals = [literal for literal, _ in self._hits(_unescaped(record))]
        return [literal for literal in literals if literal < self._escapes]


def _unescaped(record: Json) -> bytes:
    """The record's text with every character as itself and in lower case, so that literals find it."""
    return orjson.dumps(record).decode().lower().replace("\u017f", "s").encode()
