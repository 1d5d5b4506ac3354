"""Tables that users edit, in YAML: a list of rows that know their lines in the file, so that errors name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sakimori.model.said import joined, say
from sakimori.respond.errors import RespondError


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row as it stands in the file `place`, and the line at which each column begins."""

    place: Path
    line: int
    columns: Mapping[str, Any]
    lines: Mapping[str, int]

    def wrong(self, why: str, column: str = "") -> RespondError:
        """The error that says what is wrong with the row, and where."""
        return _wrong(self.place, self.lines.get(column, self.line), why)

    def only(self, known: Iterable[str]) -> None:
        """Raises RespondError for a column that is none of these."""
        there = list(known)
        for name in self.columns:
            if name not in there:
                about = {"column": repr(name), "known": joined(", ", there)}
                raise self.wrong(say("there is no column {column}: there are {known}", **about), name)

    def texts(self, column: str) -> tuple[str, ...]:
        """A column that is a list of texts; () where the row has none. Raises RespondError."""
        values = self.columns.get(column, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self.wrong(say("{column} is not a list of texts", column=repr(column)), column)
        return tuple(values)


def chosen(home: Path | None, ours: Path) -> Path:
    """The user's file of this name in SAKIMORI_HOME, else ours."""
    own = home / ours.name if home else None
    return own if own is not None and own.is_file() else ours


def rows(place: Path) -> list[TableRow]:
    """The rows of a table. Raises RespondError for a file that cannot be read, or is no list of rows."""
    try:
        loader = yaml.SafeLoader(place.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        values = loader.construct_document(node) if node is not None else None
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        why = " ".join(str(error).split())
        raise RespondError(say("{place} cannot be read: {why}", place=place, why=why)) from error
    if not isinstance(node, yaml.SequenceNode) or not isinstance(values, list):
        raise _wrong(place, 1, say("it is not a list of rows"))
    return [_row(place, each, value) for each, value in zip(node.value, values, strict=True)]


def _row(place: Path, node: yaml.Node, value: Any) -> TableRow:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode) or not isinstance(value, dict):
        raise _wrong(place, line, say("a row is a table of columns, and this is {value}", value=repr(value)))
    lines: dict[str, int] = {}
    for key, _ in node.value:
        name, at = str(key.value), key.start_mark.line + 1
        if name in lines:
            twice = {"column": repr(name), "line": lines[name]}
            raise _wrong(place, at, say("the column {column} is there twice, before in line {line}", **twice))
        lines[name] = at
    return TableRow(place, line, value, lines)


def _wrong(place: Path, line: int, why: str) -> RespondError:
    return RespondError(say("{place}, line {line}: {why}", place=place, line=line, why=why))
