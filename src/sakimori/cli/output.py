"""Findings on the way out: a table for eyes, JSON and OCSF for programs, CSV for spreadsheets.

Everything in a finding may have been chosen by an attacker (a role session name, a user agent, a key of a bucket), so
nothing of it reaches a terminal or a spreadsheet as anything but text.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TextIO

import msgspec
import orjson

from sakimori.model.finding import DETECTION, Finding, columns
from sakimori.model.severity import Severity

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


class Format(StrEnum):
    """How findings are written. TABLE is aligned text, in colour and cut to the width on a terminal only."""

    TABLE = "table"
    JSONL = "jsonl"
    JSON = "json"
    OCSF = "ocsf"
    CSV = "csv"


_COUNTED = attrgetter("rule", "severity.real")

_encode_lines = msgspec.json.Encoder().encode_lines

TOGETHER = 200
"""Findings whose lines are written at once."""


@dataclass(slots=True)
class Tally:
    """What was written, counted while it streams past."""

    counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Of each rule and severity."""

    def add(self, findings: Iterable[Finding]) -> None:
        self.counts.update(map(_COUNTED, findings))

    @property
    def rules(self) -> set[str]:
        return {rule for rule, _ in self.counts}

    @property
    def severities(self) -> Counter[Severity]:
        found: Counter[Severity] = Counter()
        for (_, severity), count in self.counts.items():
            found[Severity(severity)] += count
        return found

    @property
    def total(self) -> int:
        return self.counts.total()

    def __str__(self) -> str:
        """`3 findings of 2 rules: 1 critical, 2 high`, the worst first."""
        if not self.total:
            return "no findings"
        severities = self.severities
        parts = (f"{severities[level]} {level.label.lower()}" for level in sorted(severities, reverse=True))
        return f"{plural(self.total, 'finding')} of {plural(len(self.rules), 'rule')}: {', '.join(parts)}"


def write(
    findings: Iterable[Finding],
    form: Format,
    stream: TextIO,
    keep: Callable[[str], None] | None = None,
    *,
    of: int = DETECTION,
) -> Tally:
    """Write findings as they come, and return what was written, for the summary and the exit code.

    `keep` gets them as lines of JSON, too. `of` is their OCSF class: a spreadsheet has its columns even of none.
    """
    tally = Tally()
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")  # a terminal that is not UTF-8 shows escapes, and never fails
    if form is Format.JSONL:
        source = iter(findings)
        while some := list(islice(source, TOGETHER)):  # to write the lines of many takes as long as to write one
            tally.add(some)
            written = _lines(some)
            stream.write(written)
            if keep is not None:
                keep(written)
        stream.flush()
        return tally
    counted = _counted(findings, tally)
    if keep is not None:
        counted = _kept(counted, keep)
    if form is Format.TABLE and stream.isatty():
        from rich.console import Console

        write_table(counted, Console(file=stream))
        return tally
    lines = _csv(counted, of) if form is Format.CSV else _WRITERS[form](counted)
    for line in lines:
        stream.write(line + "\n")
    stream.flush()
    return tally


def _counted(findings: Iterable[Finding], tally: Tally) -> Iterator[Finding]:
    for finding in findings:
        tally.add((finding,))
        yield finding


def _kept(findings: Iterable[Finding], keep: Callable[[str], None]) -> Iterator[Finding]:
    for finding in findings:
        keep(to_line(finding.to_json()) + "\n")
        yield finding


def plural(count: int, noun: str) -> str:
    """`1 record`, `2,000 records`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


# What a terminal could take for a command or draw in another order: control characters, bidirectional and invisible
# ones (Unicode Technical Report 36), half surrogates.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    """The text with everything escaped that could command a terminal: ESC becomes the four characters `\\x1b`."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode("ascii"), text)


def printable_lines(text: str) -> str:
    """The text with its line breaks, and without anything else that commands a terminal."""
    return "\n".join(map(printable, text.splitlines()))


# ---- JSON


def to_line(value: Any) -> str:
    """One line of JSON that is safe to look at: the same value, with unsafe characters as JSON's own escapes."""
    try:
        line = orjson.dumps(value)
    except orjson.JSONEncodeError:
        return _unusual_line(value)
    if line.isascii() and b"\x7f" not in line:
        return line.decode()  # JSON has escaped the other control characters
    return _UNSAFE.sub(_json_escape, line.decode())


def _unusual_line(value: Any) -> str:
    """The same for keys that are no text, and for numbers over 64 bits and half surrogates, which a log may have."""
    import json

    try:
        return _UNSAFE.sub(_json_escape, orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode())
    except orjson.JSONEncodeError:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str)


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _lines(findings: Sequence[Finding]) -> str:
    """The lines of many findings, each with its end."""
    try:
        lines = _encode_lines([finding.told() for finding in findings])
        if lines.isascii() and b"\x7f" not in lines:
            return lines.decode()
    except (UnicodeEncodeError, OverflowError):
        pass  # half a surrogate, or a number over 64 bits, in one of them
    return "".join(line + "\n" for line in _jsonl(findings))


def _jsonl(findings: Iterable[Finding]) -> Iterator[str]:
    return (to_line(finding.to_json()) for finding in findings)


def _json(findings: Iterable[Finding]) -> Iterator[str]:
    """One array, a finding a line, streamed: the comma is written when the next finding is known."""
    opening = "["
    for line in _jsonl(findings):
        yield opening + line
        opening = ","
    yield "]" if opening == "," else "[]"


def _ocsf(findings: Iterable[Finding]) -> Iterator[str]:
    from sakimori.model.ocsf import to_ocsf

    return (to_line(to_ocsf(finding)) for finding in findings)


# ---- CSV


def _csv(findings: Iterable[Finding], of: int) -> Iterator[str]:
    """RFC 4180 but for the line ends; the columns are the keys of the JSON object."""
    yield _csv_line(columns(of))
    for finding in findings:
        yield _csv_line([_cell(value) for value in finding.to_json().values()])


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return guarded(to_line(value))
    if isinstance(value, list):
        return guarded(" ".join(map(str, value)))
    return guarded(str(value))


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV Injection), by an apostrophe in front if need be."""
    text = printable(cell)
    return f"'{text}" if text.lstrip()[:1] in set("=+-@＝＋－＠|%") else text


# ---- tables


def _plain(findings: Iterable[Finding]) -> Iterator[str]:
    """Aligned text for pipes and files: nothing is cut, so grep finds what is there; long values push the rest on."""
    from rich.cells import cell_len

    columns = (*_COLUMNS, *_NEVER_CUT)
    for finding in findings:
        cells = [printable(column.value(finding)) for column in columns]
        padded = (cell + " " * (column.width - cell_len(cell)) for cell, column in zip(cells, columns, strict=True))
        yield "  ".join(padded).rstrip()


@dataclass(frozen=True, slots=True)
class _Column:
    """`width` in cells of a terminal; `share` of the room that is left on a wide one; `brief` is the value there."""

    title: str
    width: int
    value: Callable[[Finding], str]
    brief: Callable[[Finding], str]
    share: int = 0
    style: str = ""


_SEVERITY_STYLES = {
    Severity.INFORMATIONAL: "dim",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "bold red",
    Severity.CRITICAL: "bold white on red",
    Severity.FATAL: "bold white on red",
}


def _level(finding: Finding) -> str:
    return "Info" if finding.severity is Severity.INFORMATIONAL else finding.severity.label


def _when(finding: Finding) -> str:
    return finding.first_seen[:16].replace("T", " ")


def _times(finding: Finding) -> str:
    return f"x{finding.count}" if finding.count > 1 else ""


def _techniques(finding: Finding) -> str:
    return " ".join(finding.techniques)


def _matched(finding: Finding) -> str:
    return to_line(dict(finding.matched)) if finding.matched else ""


def short_arn(arn: str) -> str:
    """What tells one resource from another in one account: `arn:aws:iam::1:user/ann` is `ann`.

    An assumed role keeps its session (`web/i-0abc`), and other resources their kind (`trail/audit`).
    """
    parts = arn.split(":", 5)
    if len(parts) < 6 or parts[0] != "arn":
        return arn
    resource = parts[5]
    for prefix in ("assumed-role/", "user/", "role/"):
        if resource.startswith(prefix):
            return resource.removeprefix(prefix)
    return resource


_COLUMNS = (
    _Column("SEVERITY", 8, _level, _level),
    _Column("SEEN", 11, _when, lambda f: _when(f)[5:], style="dim"),
    _Column("COUNT", 5, _times, _times),
    _Column("WHAT", 26, lambda f: f.title, lambda f: f.title, share=8, style="bold"),
    _Column("WHO", 12, lambda f: f.actor, lambda f: short_arn(f.actor), share=1),
    _Column("FROM", 15, lambda f: f.source_ip, lambda f: f.source_ip),
    _Column("ASSET", 12, lambda f: f.asset, lambda f: short_arn(f.asset), share=2),
    _Column("ATT&CK", 9, _techniques, lambda f: f.techniques[0] if f.techniques else "", style="dim"),
    _Column("UID", 8, lambda f: f.uid, lambda f: f.uid[:8], style="dim"),
)
_FIRST_TO_GO = ("ATT&CK", "COUNT", "ASSET", "FROM", "SEEN", "WHO")
_NEVER_CUT = (
    _Column("RULE", 28, lambda f: f.rule, lambda f: f.rule),
    _Column("TACTICS", 16, lambda f: " ".join(f.tactics), lambda f: " ".join(f.tactics)),
    _Column("MATCHED", 20, _matched, _matched),
    _Column("RECORDS", 36, lambda f: " ".join(f.records), lambda f: " ".join(f.records)),
)
"""What a line of a terminal has no room for: `explain` shows it there."""


def write_table(findings: Iterable[Finding], console: Console) -> None:
    """One line a finding, cut to the width of the terminal, under a heading; columns go where it is too narrow."""
    from rich.text import Text

    columns = _fitting(console.width)
    heading = Text("  ".join(column.title.ljust(width) for column, width in columns), style="dim")
    for index, finding in enumerate(findings):
        if index == 0:
            console.print(heading, no_wrap=True, crop=True)
        console.print(_row(finding, columns), no_wrap=True, crop=True)


def _fitting(width: int) -> list[tuple[_Column, int]]:
    """The columns that a terminal of this width has room for, each with its width there."""
    columns = list(_COLUMNS)
    for title in _FIRST_TO_GO:
        if _needed(columns) <= width:
            break
        columns = [column for column in columns if column.title != title]
    spare, shares = max(0, width - _needed(columns)), sum(column.share for column in columns)
    return [(column, column.width + spare * column.share // shares) for column in columns]


def _needed(columns: list[_Column]) -> int:
    return sum(column.width + 2 for column in columns) - 2


def _row(finding: Finding, columns: list[tuple[_Column, int]]) -> Text:
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    row = Text()
    for column, width in columns:
        value = printable(column.brief(finding))
        if cell_len(value) > width:
            value = set_cell_size(value, width - 1) + "…"
        style = _SEVERITY_STYLES[finding.severity] if column.title == "SEVERITY" else column.style
        row.append(value, style)
        row.append(" " * (width - cell_len(value) + 2))
    row.rstrip()
    return row


_WRITERS: dict[Format, Callable[[Iterable[Finding]], Iterator[str]]] = {
    Format.TABLE: _plain,
    Format.JSONL: _jsonl,
    Format.JSON: _json,
    Format.OCSF: _ocsf,
}
