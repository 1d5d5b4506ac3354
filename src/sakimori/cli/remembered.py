"""The last runs of `detect`, so that `explain` finds their findings again: one file a run, in SAKIMORI_HOME/runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from sakimori.cli.home import home
from sakimori.cli.output import to_line

KEPT_RUNS = 20


@dataclass(frozen=True, slots=True)
class Remembered:
    """A finding of an earlier run, and where its records were read."""

    finding: dict[str, Any]
    paths: list[str]
    rules: list[Path]
    pack: bool


class Memory:
    """Keeps the findings that it is given. A home that cannot be written costs `explain`, not the run."""

    def __init__(self, paths: list[str], rules: list[Path], *, pack: bool) -> None:
        self._place = home() / "runs" / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.jsonl"
        self._aside = self._place.with_suffix(".part")
        self._out: IO[bytes] | None = None
        self._first = True
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

    def keep(self, findings: str) -> None:
        """Findings, each as a line of JSON."""
        if self._first:
            self._out, self._first = self._opened(), False
        if self._out is not None and not _put(self._out, findings):
            self._out.close()
            self._out = None

    def _opened(self) -> IO[bytes] | None:
        try:
            self._aside.parent.mkdir(parents=True, exist_ok=True)
            out = self._aside.open("wb")
        except OSError:
            return None
        return out if _put(out, to_line(self._head) + "\n") else None


def _put(out: IO[bytes], lines: str) -> bool:
    try:
        out.write(lines.encode())
    except OSError:
        return False
    return True


def _forget_old(folder: Path) -> None:
    for old in sorted(folder.glob("*.jsonl"))[:-KEPT_RUNS]:
        old.unlink(missing_ok=True)


def recall(beginning: str) -> dict[str, Remembered]:
    """The remembered findings whose uids begin like this, by uid, each from the newest run that had it."""
    found: dict[str, Remembered] = {}
    sign = f'"uid":"{beginning}'.encode()
    for place in sorted((home() / "runs").glob("*.jsonl"), reverse=True):
        for head, finding in _findings(place, sign):
            uid = finding["uid"]
            if uid.startswith(beginning) and uid not in found:
                folders = [Path(folder) for folder in head["rules"]]
                found[uid] = Remembered(finding, head["paths"], folders, head["pack"])
    return found


def _findings(place: Path, sign: bytes) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A run's findings whose lines have this in them, each with what the run was given; up to a damaged line."""
    with suppress(OSError, ValueError, LookupError), place.open("rb") as file:
        head: dict[str, Any] = json.loads(next(file, b""))
        for line in file:
            if sign in line:
                yield head, json.loads(line)
