"""The last runs of `detect`, so that `explain` finds their findings again: one file a run, in SAKIMORI_HOME/runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sakimori.cli.home import home
from sakimori.model.finding import Finding

KEPT_RUNS = 20


@dataclass(frozen=True, slots=True)
class Remembered:
    """A finding of an earlier run, and where its records were read."""

    finding: dict[str, Any]
    paths: list[str]
    rules: list[Path]
    pack: bool


def remember(findings: list[Finding], paths: list[str], rules: list[Path], *, pack: bool) -> None:
    """Keeps a run's findings. A home that cannot be written costs `explain`, not the run."""
    if not findings:
        return
    head = {
        "paths": [path if "://" in path or path == "-" else str(Path(path).absolute()) for path in paths],
        "rules": [str(folder.absolute()) for folder in rules],
        "pack": pack,
    }
    folder = home() / "runs"
    place = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        aside = place.with_suffix(".part")
        with aside.open("w", encoding="utf-8", errors="surrogatepass") as out:
            for line in (head, *(finding.to_json() for finding in findings)):
                out.write(json.dumps(line, default=str) + "\n")
        aside.replace(place)
        for old in sorted(folder.glob("*.jsonl"))[:-KEPT_RUNS]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def recall(uid: str) -> Remembered | None:
    """The newest remembered finding whose uid begins like this."""
    for place in sorted((home() / "runs").glob("*.jsonl"), reverse=True):
        lines = _lines(place)
        head = next(lines, None)
        for line in lines:
            if head and str(line.get("uid", "")).startswith(uid):
                return Remembered(line, head["paths"], [Path(folder) for folder in head["rules"]], head["pack"])
    return None


def _lines(place: Path) -> Iterator[dict[str, Any]]:
    with place.open(encoding="utf-8", errors="surrogatepass") as file:
        for line in file:
            yield json.loads(line)
