"""Networks told by AWS Config: whatever an export leaves out, an answer stays what it was or becomes unknown."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from network_worlds import Maker, World

from discover.config_items import config_items
from sakimori.assess.network.engine import Engine, Question
from sakimori.assess.network.resolve import UnknownEnd
from sakimori.discover.config_export import read_config_export
from sakimori.discover.config_names import NECESSARY
from sakimori.model.asset import Inventory

WORLDS, QUESTIONS = 40, 12


def questions(world: World, chooser: random.Random) -> list[Question]:
    hosts = [e["Attachment"]["InstanceId"] for e in world.all("NetworkInterfaces") if "Attachment" in e]
    ends = [chooser.sample([*hosts, "internet"], 2) for _ in range(QUESTIONS)]
    return [Question(source, target, chooser.choice((None, 6)), None) for source, target in ends]


def answers(inventory: Inventory, asked: list[Question]) -> list[str]:
    engine = Engine(inventory)
    found = []
    for question in asked:
        try:
            found.append(engine.ask(question).answer)
        except UnknownEnd:
            found.append("not there")
    return found


def recorded(inventory: Inventory) -> list[dict[str, Any]]:
    """The items with a null for whatever a describe answer leaves out, as Config writes them."""
    items = config_items(inventory)
    for item in items:
        for key in NECESSARY.get(item["resourceType"], ()):
            item["configuration"].setdefault(key, None)
    return items


def exported(items: list[dict[str, Any]], folder: Path) -> Inventory:
    file = folder / "export.json"
    file.write_text(json.dumps({"configurationItems": items}))
    return read_config_export(file)


def test_an_export_answers_as_the_calls_or_does_not_know(tmp_path: Path) -> None:
    decided = 0
    for seed in range(WORLDS):
        world, chooser = Maker(seed).make(), random.Random(seed)
        asked, inventory = questions(world, chooser), world.inventory()
        for question, first, second in zip(
            asked, answers(inventory, asked), answers(exported(recorded(inventory), tmp_path), asked), strict=True
        ):
            assert second in (first, "unknown", "not there"), f"seed {seed}: {question}: {first}, then {second}"
            decided += second in ("reachable", "unreachable")
    assert decided > WORLDS, "an export that decides nothing is of no use"


@pytest.mark.parametrize("seed", range(WORLDS))
def test_what_was_not_selected_never_decides(seed: int, tmp_path: Path) -> None:
    """A query that selects less: one member of one kind's configuration is gone, or all items of a kind."""
    world, chooser = Maker(seed).make(), random.Random(seed)
    asked, inventory = questions(world, chooser), world.inventory()
    before = answers(inventory, asked)
    for _ in range(10):
        items = recorded(inventory)
        kind = chooser.choice(sorted({item["resourceType"] for item in items}))
        keys = sorted({key for item in items if item["resourceType"] == kind for key in item["configuration"]})
        key = chooser.choice([*keys, ""])
        some = [item for item in items if key or item["resourceType"] != kind]
        for item in some:
            if item["resourceType"] == kind:
                item["configuration"].pop(key, None)
        for question, first, second in zip(asked, before, answers(exported(some, tmp_path), asked), strict=True):
            told = f"without {kind} {key}: {question}: {first}, then {second}"
            assert second in (first, "unknown", "not there"), told
