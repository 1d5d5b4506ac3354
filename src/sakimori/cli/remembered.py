"""The last runs of `detect`, so that `explain` finds their findings again: one file a run, in SAKIMORI_HOME/runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from sakimori.cli.home import home
from sakimori.cli.output import to_line
from sakimori.model.finding import Finding

KEPT_RUNS = 20


@dataclass(frozen=True, slots=True)
class Remembered:
    """A finding of an earlier run, and where its records were read."""

    finding: dict[str, Any]
    paths: list[str]
    rules: list[Path]
    pack: bool


class Memory:
    """Keeps the findings that pass through it. A home that cannot be written costs `explain`, not the run."""

    def __init__(self, paths: list[str], rules: list[Path], *, pack: bool) -> None:
        self._place = home() / "runs" / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.jsonl"
        self._aside = self._place.with_suffix(".part")
        self._out: IO[bytes] | None = None
        self._head = {
            "paths": [path if "://" in path or path == "-" else str(Path(path).absolute()) for path in paths],
            "rules": [str(folder.absolute()) for folder in rules],
            "pack": pack,
        }

    def __enter__(self) -> Memory:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Keeps the run; not one that failed, but one whose reader has seen enough: that can be asked about."""
        with suppress(OSError):
            if self._out is not None:
                self._out.close()
                if kind is None or issubclass(kind, BrokenPipeError):
                    self._aside.replace(self._place)
                    _forget_old(self._place.parent)
            self._aside.unlink(missing_ok=True)

    def keeping(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        """The findings as they come."""
        first = True
        for finding in findings:
            if first:
                self._out, first = self._opened(), False
            if self._out is not None and not _put(self._out, finding):
                self._out.close()
                self._out = None
            yield finding

    def _opened(self) -> IO[bytes] | None:
        try:
            self._aside.parent.mkdir(parents=True, exist_ok=True)
            out = self._aside.open("wb")
        except OSError:
            return None
        return out if _put(out, self._head) else None


def _put(out: IO[bytes], line: Finding | dict[str, Any]) -> bool:
    try:
        out.write(_encoded(line) + b"\n")
    except OSError:
        return False
    return True


def _encoded(line: Finding | dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(line)
    except (UnicodeEncodeError, OverflowError):  # half surrogates, numbers past 64 bits
        plain = line.to_json() | {"severity": int(line.severity)} if isinstance(line, Finding) else line
        return to_line(plain).encode()


def _forget_old(folder: Path) -> None:
    for old in sorted(folder.glob("*.jsonl"))[:-KEPT_RUNS]:
        old.unlink(missing_ok=True)


def recall(beginning: str) -> dict[str, Remembered]:
    """The remembered findings whose uids begin like this, by uid, each from the newest run that had it."""
    found: dict[str, Remembered] = {}
    for place in sorted((home() / "runs").glob("*.jsonl"), reverse=True):
        for head, finding in _findings(place):
            if finding.uid.startswith(beginning) and finding.uid not in found:
                folders = [Path(folder) for folder in head["rules"]]
                found[finding.uid] = Remembered(finding.to_json(), head["paths"], folders, head["pack"])
    return found


def _findings(place: Path) -> Iterator[tuple[dict[str, Any], Finding]]:
    """A run's findings, each with what the run was given; up to a line that is damaged."""
    decode = msgspec.json.Decoder(Finding).decode
    with suppress(OSError, ValueError, LookupError), place.open("rb") as file:
        head: dict[str, Any] = msgspec.json.decode(next(file, b""))
        for line in file:
            yield head, decode(line)
