"""The scan of everything, by classes, says of each interface what the engine says when it is asked about that one."""

from __future__ import annotations

import random

from network_worlds import Maker

from sakimori.assess.network.engine import Engine, Question
from sakimori.assess.network.exposure import Scan
from sakimori.assess.network.findings import ports

WORLDS = 250


def test_exposure_of_all_is_exposure_of_each() -> None:
    exposed = 0
    for seed in range(WORLDS):
        engine = Engine(Maker(seed).make().inventory())
        found: dict[str, set[str]] = {}
        for exposure in Scan(engine).exposures():
            assert exposure.space or exposure.unknown
            found.setdefault(exposure.node, set()).update(ports(exposure.space))
        for node in engine.destinations():
            answer = engine.ask(Question("internet", node))
            assert (answer.answer == "reachable") == (node in found), f"seed {seed}: {node}: {answer.to_json()}"
        exposed += len(found)
    assert exposed > 50


def test_every_port_of_an_exposure_is_reachable_and_no_other() -> None:
    asked = (22, 80, 443, 8080, 50000)
    chooser = random.Random(1)
    for seed in chooser.sample(range(10_000), 60):
        engine = Engine(Maker(seed).make().inventory())
        open_: dict[str, set[int]] = {}
        for exposure in Scan(engine).exposures():
            for each in exposure.space:
                if each[2] <= 6 <= each[3]:
                    open_.setdefault(exposure.node, set()).update(p for p in asked if each[4] <= p <= each[5])
        for node in engine.destinations():
            reachable = {p for p in asked if engine.ask(Question("internet", node, 6, p)).answer == "reachable"}
            assert reachable == open_.get(node, set()), f"seed {seed}: {node}"
