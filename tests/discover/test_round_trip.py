"""A snapshot of everything that could exist, and of what is refused, discovers what the accounts themselves would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from discover.everything import EverythingExists
from sakimori.discover import snapshot
from sakimori.discover.declare import Place
from sakimori.discover.engine import inventory, units
from sakimori.discover.services import services
from sakimori.discover.snapshot import Recording
from sakimori.discover.source import Answer, Question, without
from sakimori.model.asset import Inventory

HERE = Place("123456789012", "us-east-1")
ALL = services()


class Live(EverythingExists):
    """Everything, without the secrets that a source never lets through."""

    def pages(self, question: Question) -> Iterator[Answer]:
        for page in super().pages(question):
            yield without(page, question.secrets)


def told(found: Inventory) -> tuple[list[str], list[str], list[str]]:
    return (
        sorted(map(repr, found)),
        sorted(set(map(repr, found.relations))),
        sorted(repr((each.action, each.account, each.region, each.code)) for each in found.not_evaluated),
    )


@pytest.mark.parametrize("name", ALL)
def test_a_snapshot_discovers_the_same(name: str, tmp_path: Path) -> None:
    for index, denied in enumerate(["", *ALL[name].actions()[:2]]):
        folder = tmp_path / str(index)
        with Recording(Live(denied), folder, "aws", HERE.account) as recording:
            live = inventory(recording, units([HERE], {name: ALL[name]}, HERE.account))
        assert told(snapshot.read(folder)) == told(live), denied
