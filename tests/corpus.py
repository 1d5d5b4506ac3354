"""The third-party records and rules beside the repository, read in place; where they are not, tests are skipped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2] / "shared" / "corpus"


def corpus(path: str) -> Path:
    """A folder of the corpus; where it is absent the test is skipped, by the folder's name."""
    found = ROOT / path
    if not found.is_dir():
        pytest.skip(f"no corpus folder {path} beside the repository")
    return found


def cloudtrail_records() -> list[dict[str, Any]]:
    """Every CloudTrail record of the corpus, attacks and benign, whatever they are wrapped in."""
    found: list[dict[str, Any]] = []
    for file in sorted(corpus("cloudtrail").rglob("*.json*")):
        text = file.read_text(encoding="utf-8")
        documents = map(json.loads, text.splitlines()) if file.suffix == ".jsonl" else [json.loads(text)]
        for document in documents:
            found.extend(_records(document))
    return found


def _records(document: Any) -> Iterator[dict[str, Any]]:
    if isinstance(document, list):
        for each in document:
            yield from _records(each)
    elif isinstance(document, dict):
        inner = next((document[key] for key in ("Records", "detail", "event") if key in document), None)
        if isinstance(inner, (list, dict)):
            yield from _records(inner)
        else:
            yield document
