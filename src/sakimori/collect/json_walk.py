"""A walk over JSON text that is whole, damaged or hostile: every object that is a record, and past all damage.

Two ways of going. On the path, brackets open and close as they should and whatever is no record is refused. Lost, from
damage to the next record, everything that is not surely a record is part of that damage, refused once where it began.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from sakimori.collect.json_window import Broken, Parsed, Window, text_fault
from sakimori.collect.lake_rows import record_from_row
from sakimori.collect.shapes import Inner, Outcome, is_container, is_record, sure_record, swallowed_record, unwrap
from sakimori.collect.split import Tray

MAX_CONTAINERS = 8
"""Arrays and objects around the records, one in the other."""

_RETREAT = 64 << 20
"""Bytes that may be gone over a second time because of damage, besides twice the bytes passed: keeps time linear."""

_HEADER = 1 << 12
_CANDIDATE_LENGTH = 300

_GLUE = re.compile("(?:[ \t\r\n,\x1e]|\xef\xbb\xbf)*+")
"""Between records: white space, commas, record separators (RFC 7464), byte order marks of files put together."""

_ARRAYS = r'"(Records|records|Events|events|logEvents|Messages|messages|QueryResultRows)"[ \t\r\n]*:[ \t\r\n]*\['
_ARRAY_FIRST = re.compile(r"\{[ \t\r\n]*" + _ARRAYS)
_ARRAY_INSIDE = re.compile(_ARRAYS)
_MEMBER = re.compile(r'"((?:[^"\\]|\\.)*+)"[ \t\r\n]*:[ \t\r\n]*+(\[[ \t\r\n]*+(?=[{\[]))?', re.DOTALL)
_CLOSERS = re.compile(r"[\]} \t\r\n,]++")
_CANDIDATE = re.compile(r'\{[ \t\r\n]{0,256}"')
_SIGN = re.compile('(?i)event(?:name|source|time|json|data)|cloudtrailevent|"detail"|"message"|"body"|"records"')
"""Text without any of these holds no record and need not be looked at closely."""

_WORTHLESS = re.compile(
    r'(?:(?:-?\d[\d.eE+-]*+|true|false|null|"[^"\\\x00-\x1f]*+"|\{[ \t\r\n]*+\})(?=[ \t\r\n,\]}]|\Z)[ \t\r\n,]*+)++'
)


class JsonWalk:
    """`_open` holds the brackets around the place; `_lost` says that the walk looks for the next record."""

    def __init__(self, window: Window, tray: Tray, inner: Inner) -> None:
        self._window = window
        self._tray = tray
        self._inner = inner
        self._open: list[str] = []
        self._lost = False
        self._damaged = False
        self._seen_json = False
        self._retreated = 0
        self._sign_at = -1

    def steps(self) -> Iterator[None]:
        """Walks to the end of the text; control comes back after each step."""
        while self._step():
            yield
        if self._open and not self._damaged:
            self._tray.refuse(self._window.offset, "cut off: the text ends inside an array or object")
        if not self._seen_json:
            self._tray.refuse(0, "holds no JSON")

    def _step(self) -> bool:
        window = self._window
        glue = _GLUE.match(window.text, window.position)
        window.position = glue.end() if glue else window.position
        window.fill()
        if window.position >= len(window.text):
            return False
        first = window.text[window.position]
        if self._lost:
            self._seek()
        elif first == "{" and not window.text.startswith("{}", window.position):
            self._object()
        elif first == "[":
            self._array()
        elif first in "]}":
            self._close(first)
        elif first == '"' and self._open and self._open[-1] == "{":
            self._member()
        else:
            self._worthless()
        return True

    def _object(self) -> None:
        window = self._window
        array = _ARRAY_FIRST.match(window.text, window.position)
        if array and len(self._open) < MAX_CONTAINERS:
            self._enter("{", "=" if array[1] == "QueryResultRows" else "[")
            window.position = array.end()
            return
        found = window.parse()
        if isinstance(found, Parsed):
            self._judge(found)
        elif not self._lost and self._is_long_container(found):
            self._enter("{")
            window.position += 1
        else:
            self._break(found)

    def _is_long_container(self, found: Broken) -> bool:
        """Whether an object that does not parse, or not in one piece, begins as one that holds an array of records."""
        start = self._window.position
        array = _ARRAY_INSIDE.search(self._window.text, start, min(start + _HEADER, found.at))
        return array is not None and len(self._open) < MAX_CONTAINERS and self._may_retreat(found.at - start)

    def _judge(self, found: Parsed) -> None:
        window, tray = self._window, self._tray
        raw = window.text[window.position : found.end].encode("latin-1")
        if is_record(found.value) and swallowed_record(found.value):
            self._break(Broken("another record stands inside it: its own end is missing", window.position, found.end))
            return
        fault = found.fault or text_fault(raw)
        if fault:
            holds_more = is_container(found.value) and not is_record(found.value)
            outcome = Outcome([], fault, container=holds_more)
        else:
            outcome = unwrap(found.value, raw, self._inner)
        if self._lost and not self._trusted(outcome, found):
            window.position = found.end
            return
        if outcome.container and len(self._open) < MAX_CONTAINERS:
            self._enter("{")
            window.position += 1
            return
        self._seen_json = True
        self._lost = False
        for record in outcome.records:
            tray.keep(window.offset, record)
        if outcome.reason or outcome.container:
            tray.refuse(window.offset, outcome.reason or "records nested too deep in arrays and objects")
        window.position = found.end

    def _trusted(self, outcome: Outcome, found: Parsed) -> bool:
        """Whether an object that was met while lost is a record for sure, and no fragment of a damaged one."""
        if sure_record(found.value) or (outcome.records and not is_record(found.value)):
            return True
        return outcome.container and any(
            isinstance(first, dict) and sure_record(first)
            for held in found.value.values()
            if isinstance(held, list)
            for first in held[:1]
        )

    def _array(self) -> None:
        window = self._window
        if self._open and self._open[-1] == "=":
            self._row()
        elif len(self._open) < MAX_CONTAINERS:
            self._enter("[")
            window.position += 1
        else:
            self._break(Broken("arrays nested too deep to hold records", window.position, window.position + 1))

    def _row(self) -> None:
        """A row of GetQueryResults: an array of objects with one column each, all strings."""
        window = self._window
        found = window.parse()
        if isinstance(found, Broken):
            self._break(found)
            return
        raw = window.text[window.position : found.end].encode("latin-1")
        fault = found.fault or text_fault(raw)
        if fault or not all(isinstance(column, dict) for column in found.value):
            self._tray.refuse(window.offset, fault or "not a row: its columns are not all objects")
        else:
            self._keep_row(raw)
        window.position = found.end

    def _keep_row(self, raw: bytes) -> None:
        record, reason = record_from_row({key: held for column in orjson.loads(raw) for key, held in column.items()})
        records, reason = ([], reason) if reason else self._inner(record)
        for found in records:
            self._tray.keep(self._window.offset, found)
        if reason:
            self._tray.refuse(self._window.offset, reason)

    def _member(self) -> None:
        """A member of an object that holds arrays of records: into an array of objects, past anything else."""
        window = self._window
        member = _MEMBER.match(window.text, window.position)
        if member is None:
            self._worthless()
            return
        if member[2] and len(self._open) < MAX_CONTAINERS:
            self._enter("=" if member[1] == "QueryResultRows" else "[")
            window.position = member.end()
            return
        window.position = member.start(2) if member[2] else member.end()
        window.fill()
        found = window.parse()
        if isinstance(found, Broken):
            self._break(found)
        else:
            window.position = found.end

    def _enter(self, *brackets: str) -> None:
        if self._lost:
            self._open.clear()
        self._lost = False
        self._seen_json = True
        self._open += brackets

    def _close(self, bracket: str) -> None:
        window = self._window
        if self._open and (self._open[-1] == "{") == (bracket == "}"):
            self._open.pop()
            window.position += 1
            return
        if not self._damaged:
            self._tray.refuse(window.offset, f"not valid JSON: {bracket!r} closes what was not opened")
        self._damaged = self._seen_json = True
        self._open.clear()
        closers = _CLOSERS.match(window.text, window.position)
        window.position = closers.end() if closers else window.position + 1

    def _worthless(self) -> None:
        """Values that are no objects, all that follow each other at once; or no JSON at all."""
        window = self._window
        found = _WORTHLESS.match(window.text, window.position)
        if found is None:
            reason = f"expected a record, found {_character(window.text[window.position])}"
            self._break(Broken(reason, window.position, window.position + 1))
            return
        value = found[0][:40].split(",")[0].strip()
        self._tray.refuse(window.offset, f"expected a record (a JSON object), found {value}")
        self._seen_json = True
        window.position = found.end()

    def _break(self, found: Broken) -> None:
        """Damage: refused where it begins, then on to the next record, which may be inside what did not parse."""
        window = self._window
        if not self._lost:
            self._tray.refuse(window.offset, found.reason)
        self._lost = self._damaged = self._seen_json = True
        inside = found.hides_records and self._may_retreat(found.at - window.position)
        window.position = window.position + 1 if inside else max(found.resume, window.position + 1)

    def _may_retreat(self, size: int) -> bool:
        if self._retreated + size > _RETREAT + 2 * self._window.offset:
            return False
        self._retreated += size
        return True

    def _seek(self) -> None:
        """To the next object that may be a record, or past all that is in sight if there is no sign of one."""
        window = self._window
        if self._sign_at < window.offset:
            sign = _SIGN.search(window.text, window.position)
            self._sign_at = window.base + sign.start() if sign else -1
        candidate = _CANDIDATE.search(window.text, window.position) if self._sign_at >= 0 else None
        if candidate is None:
            keep = 0 if window.complete else _CANDIDATE_LENGTH
            window.position = max(window.position + 1, len(window.text) - keep)
            return
        window.position = candidate.start()
        window.fill()
        self._object()


def _character(found: str) -> str:
    return f"the byte 0x{ord(found):02x}" if not " " <= found <= "~" else repr(found)
