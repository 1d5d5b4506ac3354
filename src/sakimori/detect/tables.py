"""Rules as the tables that `kernel.c` reads: fields, predicates, conditions, and what points at each rule.

A rule is asked only about records that point at it: by a value that one of its predicates needs, a stretch of four
characters of it, or at least the presence of a field. Pointers lean towards what is rare.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, ip_network
from pathlib import Path

import msgspec
import orjson

from sakimori.collect.shapes import FIELD_TYPES, IDENTITY_TYPES
from sakimori.detect import ir
from sakimori.detect.cache import put_aside
from sakimori.detect.literals import Cover, cover, fragment_of, key_share, regex_fragment, value_share
from sakimori.detect.matched import pattern_of, plain_parts

AND, OR, NOT, PREDICATE = range(4)
IS_ONE_OF, STARTS, ENDS, CONTAINS, NEEDS, IS_THERE, IS_NULL, COULD, BOTH_THERE, KEYWORD, IN_NETWORK = range(11)
EQUAL, GRAM, PRESENT, ALWAYS = range(4)
_EXPECTED = {"string": 1, "object": 2, "array": 4, "boolean": 8}
_REQUIRED = 16
"""As in `kernel.c`."""

FORMAT = 5
"""Raised whenever the tables of the same rules would be read differently."""

TOLD = (
    *("eventID", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "recipientAccountId"),
    *("userIdentity", "userIdentity.type", "userIdentity.arn", "userIdentity.sessionContext.sessionIssuer.arn"),
    *("userIdentity.accountId", "requestParameters", "resources", "resources.ARN"),
)
"""Fields whose values are told of every hit, in the order of `reading.Told`."""

_OF_THE_CALLER = ("userIdentity.invokedBy", "userIdentity.userName", "userIdentity.principalId")
"""Fields that say who the caller is, where there is no ARN."""

_GRAM = 4
_DEEPEST = 100
"""Levels of a condition that the kernel evaluates; what is deeper it cannot tell."""

_SEARCH = 0.3
"""A value is searched for stretches only if else a rule were asked about more than this share of records."""

_STRETCH = 8
"""At most so much of a text is looked for: four of its characters, at every fifth place of the value."""

_ORDINARY = "arn:aws:iam::sts::role/user/assumed-role/aws-console.amazonaws.com aws-sdk-boto3/ https://"
"""Four characters in a row from here say little."""


class Tables(msgspec.Struct, frozen=True):
    """Rows of 32-bit numbers as bytes, one table after the other in the order of `kernel_new`."""

    texts: bytes
    fields: bytes
    predicates: bytes
    choices: bytes
    pointers: bytes
    code: bytes
    rules: bytes
    shows: bytes
    known: bytes
    reports: bytes
    assets: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """What the findings of a rule start from: its id, and the paths that may lead to the asset."""

    rule: str
    asset: tuple[str, ...] = ()


def prepared(
    conditions: Sequence[ir.Condition], place: Path | None = None, reports: Sequence[Report | None] = ()
) -> Tables:
    """The tables for these rules' conditions; kept at `place`, if one is given, and taken from there the next time.

    With `reports`, one for each rule that is only asked for findings, the kernel makes ready what these are made of.
    Whoever gives a place gives another for other rules. One that cannot be written costs time, nothing else.
    """
    if place is not None and (kept := _kept(place)) is not None:
        return kept
    tables = _Compiler().tables(conditions, reports)
    if place is not None:
        content = msgspec.msgpack.encode(tables)
        put_aside(place, _seal(content) + content)
    return tables


def _kept(place: Path) -> Tables | None:
    try:
        kept = place.read_bytes()
        return msgspec.msgpack.decode(kept[32:], type=Tables) if kept[:32] == _seal(kept[32:]) else None
    except (OSError, msgspec.MsgspecError):
        return None  # not there yet: it is made again


def _seal(content: bytes) -> bytes:
    """What kept tables begin with, if they are whole and laid out as they are now."""
    return hashlib.sha256(b"%d" % FORMAT + content).digest()


@dataclass(frozen=True, slots=True)
class _Pointer:
    """One of these is in every record that the rule matches; about `share` of all records have it."""

    kind: int
    field: str
    text: bytes
    share: float


_ALWAYS = _Pointer(ALWAYS, "", b"", 1.0)


class _Compiler:
    """Collects the tables."""

    def __init__(self) -> None:
        self._texts = bytearray()
        self._places: dict[bytes, int] = {}
        self._fields: dict[tuple[int, str], int] = {}
        self._field_rows: list[tuple[int, int, int, int]] = [(-1, 0, 0, 0)]
        self._predicates: list[tuple[int, ...]] = []
        self._choices: list[tuple[int, int]] = []
        self._code: list[int] = []
        self._shows: list[tuple[int, int, int, int]] = []
        self._places_of: dict[int, int] = {}

    def tables(self, conditions: Sequence[ir.Condition], reports: Sequence[Report | None]) -> Tables:
        for path, (kind, _) in FIELD_TYPES.items():
            self._field(path, _EXPECTED[kind] | (_REQUIRED if path == "eventName" else 0))
        for path, (kind, _) in IDENTITY_TYPES.items():
            self._field(f"userIdentity.{path}", _EXPECTED[kind])
        known = [self._field(path) for path in (*TOLD, *_OF_THE_CALLER)]
        rules, pointers = [], []
        for rule, condition in enumerate(conditions):
            code, first = len(self._code), len(self._shows)
            self._places_of.clear()
            self._condition(condition, 0)
            rules.append((code, first, self._shown(condition), self._pattern(condition)))
            for found in _pointers(condition) or (_ALWAYS,):
                field = 0 if found is _ALWAYS else self._field(found.field)
                pointers.append((found.kind, field, self._text(found.text), len(found.text), rule))
        reported = self._reports(reports)
        return Tables(
            bytes(self._texts),
            _rows(self._field_rows),
            _rows(self._predicates),
            _rows(self._choices),
            _rows(pointers),
            _numbers(self._code),
            _rows(rules),
            _rows(self._shows),
            _numbers(known),
            *reported,
        )

    def _reports(self, reports: Sequence[Report | None]) -> tuple[bytes, bytes]:
        rows, assets = [], list[int]()
        for report in reports:
            if report is None:
                rows.append((0, 0, 0, 0))
                continue
            name = _as_json(report.rule)
            rows.append((self._text(b'"%s"' % name), len(name) + 2, len(assets), len(report.asset)))
            assets += [self._field(path) for path in report.asset]
        return _rows(rows), _numbers(assets)

    def _shown(self, condition: ir.Condition) -> int:
        """Enters the fields that show why the condition holds; how many there are, -1 if it takes a closer look."""
        parts = plain_parts(condition)
        if parts is None or not all(id(part) in self._places_of for part in parts.values()):
            return -1
        for path, part in parts.items():
            name = _as_json(path)
            self._shows.append(
                (self._field(path), self._text(b'"%s"' % name), len(name) + 2, self._places_of[id(part)])
            )
        return len(parts)

    def _pattern(self, condition: ir.Condition) -> int:
        """The predicate of the condition's one regular expression; -1 without."""
        pattern = pattern_of(condition)
        place = None if pattern is None else self._places_of.get(id(pattern))
        return -1 if place is None else self._code[place + 1]

    def _text(self, text: bytes) -> int:
        place = self._places.get(text)
        if place is None:
            place = self._places[text] = len(self._texts)
            self._texts += text
        return place

    def _field(self, path: str, expected: int = 0) -> int:
        field = 0
        for key in path.split("."):
            known = self._fields.get((field, key))
            if known is None:
                known = self._fields[field, key] = len(self._field_rows)
                name = _as_json(key)
                self._field_rows.append((field, self._text(name), len(name), 0))
            field = known
        if expected:
            self._field_rows[field] = (*self._field_rows[field][:3], expected)
        return field

    def _condition(self, condition: ir.Condition, depth: int) -> None:
        if depth > _DEEPEST:
            self._predicate(KEYWORD, None)
            return
        self._places_of[id(condition)] = len(self._code)
        match condition:
            case ir.And(children):
                self._joined(AND, children, depth)
            case ir.Or(children):
                self._joined(OR, children, depth)
            case ir.Not(child):
                self._joined(NOT, (child,), depth)
            case ir.Text(field, pattern, cased):
                self._text_predicate(field, pattern, cased)
            case ir.Regex(field, pattern):
                self._predicate(NEEDS, field, needed=regex_fragment(pattern))
            case ir.Keyword(pattern):
                self._predicate(KEYWORD, None, needed=fragment_of(pattern))
            case ir.Null(field):
                self._predicate(IS_NULL, field)
            case ir.Exists():  # a value that is null is nothing to the kernel
                self._predicate(KEYWORD, None, needed=cover(condition))
            case ir.Cidr(field, network) if isinstance(found := ip_network(network), IPv4Network):
                self._row(
                    (IN_NETWORK, self._field(field), 0, 0, 0, _signed(int(found.network_address)), found.prefixlen, 0)
                )
            case ir.FieldRef(field, other):
                self._predicate(BOTH_THERE, field, other=other)
            case _:
                self._predicate(COULD, condition.field)

    def _joined(self, how: int, children: Sequence[ir.Condition], depth: int) -> None:
        start = len(self._code)
        self._code += (how, 0)
        texts: dict[str, set[bytes]] = {}
        for child in children:
            match child:
                case ir.Text(field, (str(whole),), False) if how == OR:
                    texts.setdefault(field, set()).add(_lowered(whole))
                case _:
                    self._condition(child, depth + 1)
        for field, choices in texts.items():
            self._predicate(IS_ONE_OF, field, choices=sorted(choices))
        self._code[start + 1] = len(self._code)

    def _text_predicate(self, field: str, pattern: ir.Pattern, cased: bool) -> None:
        needed = fragment_of(pattern)
        match pattern:
            case ():
                kind, wanted = IS_ONE_OF, ""
            case (ir.Wildcard.MANY,):
                self._predicate(IS_THERE, field)
                return
            case (str(wanted),):
                kind = IS_ONE_OF
            case (str(wanted), ir.Wildcard.MANY):
                kind = STARTS
            case (ir.Wildcard.MANY, str(wanted)):
                kind = ENDS
            case (ir.Wildcard.MANY, str(wanted), ir.Wildcard.MANY):
                kind = CONTAINS
            case _:
                self._predicate(NEEDS, field, needed=needed)
                return
        choice = wanted.encode("utf-8", "surrogatepass") if cased else _lowered(wanted)
        self._predicate(kind, field, cased=cased, choices=(choice,), needed=needed)

    def _predicate(
        self,
        kind: int,
        field: str | None,
        *,
        cased: bool = False,
        choices: Sequence[bytes] = (),
        needed: Cover | None = None,
        other: str | None = None,
    ) -> None:
        text, first = _literal(needed), len(self._choices)
        self._choices += [(self._text(choice), len(choice)) for choice in choices]
        places = [0 if path is None else self._field(path) for path in (field, other)]
        self._row((kind, places[0], int(cased), first, len(choices), self._text(text), len(text), places[1]))

    def _row(self, row: tuple[int, ...]) -> None:
        self._code += (PREDICATE, len(self._predicates))
        self._predicates.append(row)


def _pointers(condition: ir.Condition) -> list[_Pointer] | None:
    """The rarest pointers, one of which is in every record that the condition matches. None if there are none."""
    match condition:
        case ir.And(children):
            found = [pointers for child in children if (pointers := _pointers(child)) is not None]
            return min(found, key=_share, default=None)
        case ir.Or(children):
            either: list[_Pointer] = []
            for child in children:
                if (some := _pointers(child)) is None:
                    return None
                either += some
            return either
        case ir.Not(ir.Null(field)) | ir.Number(field) | ir.Compare(field) | ir.Cidr(field) | ir.OtherAccount(field):
            return [_present(field)]
        case ir.Text(field, pattern):
            return [_to_text(field, pattern)]
        case ir.Regex(field, pattern):
            return [_to_fragment(field, regex_fragment(pattern))]
        case ir.FieldRef(field, other):
            return [min(_present(field), _present(other), key=lambda pointer: pointer.share)]
    return None


def _share(pointers: Iterable[_Pointer]) -> float:
    return sum(pointer.share + (_SEARCH if pointer.kind == GRAM else 0) for pointer in pointers)


def _to_text(field: str, pattern: ir.Pattern) -> _Pointer:
    if pattern == () or (len(pattern) == 1 and isinstance(pattern[0], str)):
        whole = "".join(part for part in pattern if isinstance(part, str))
        return _Pointer(EQUAL, field, _lowered(whole), value_share(field, whole))
    return _to_fragment(field, fragment_of(pattern))


def _to_fragment(field: str, needed: Cover | None) -> _Pointer:
    text = _literal(needed)
    if needed is None or len(text) < _GRAM:
        return _present(field)
    return replace(_present(field), kind=GRAM, text=_stretch(text), share=needed.share)


def _stretch(text: bytes) -> bytes:
    """The part of a text to look for: as long as may be without four characters that are ordinary, and near its end."""
    for length in range(min(_STRETCH, len(text)), _GRAM - 1, -1):
        for at in range(len(text) - length, -1, -1):
            grams = (text[first : first + _GRAM].decode() for first in range(at, at + length - _GRAM + 1))
            if not any(gram in _ORDINARY for gram in grams):
                return text[at : at + length]
    return text[-_GRAM:]


def _present(field: str) -> _Pointer:
    return _Pointer(PRESENT, field, b"", min(map(key_share, field.split("."))))


def _literal(needed: Cover | None) -> bytes:
    return b"" if needed is None else next(iter(needed.literals))


def _lowered(text: str) -> bytes:
    return text.lower().encode("utf-8", "surrogatepass")


def _signed(number: int) -> int:
    return number - (1 << 32) if number >> 31 else number


def _as_json(key: str) -> bytes:
    """A key as it is spelt between its quotes."""
    try:
        return orjson.dumps(key)[1:-1]
    except orjson.JSONEncodeError:  # half a surrogate, which no text that the kernel takes has
        return key.encode("utf-8", "surrogatepass")


def _rows(rows: Iterable[tuple[int, ...]]) -> bytes:
    return _numbers([number for row in rows for number in row])


def _numbers(numbers: Sequence[int]) -> bytes:
    return array("i", numbers).tobytes()
