"""Measure 1: Batfish's facts and np-guard's pairs, all of them but those that their PROVENANCE sets aside."""

from __future__ import annotations

import json
from itertools import permutations

import facts
import pairs
import pytest

from corpus import corpus
from sakimori.assess.network.engine import Engine, Question
from sakimori.discover.batfish import read_batfish


def test_batfish_facts(capsys: pytest.CaptureFixture[str]) -> None:
    folder = corpus("network/batfish")
    known = json.loads((folder / "expected_traces.json").read_text(encoding="utf-8"))
    engines: dict[str, Engine] = {}
    failed = []
    for fact in known:
        name = fact["snapshot"]
        engine = engines.get(name) or engines.setdefault(name, Engine(read_batfish(folder / name)))
        score = facts.score(engine, fact)
        if not score.passed:
            failed.append(f"{name} {fact['test']} {fact.get('flow', '')}: {score.told}")
    with capsys.disabled():
        print(f"\nBatfish facts: {len(known) - len(failed)} of {len(known)}")
    assert not failed, "\n".join(failed)


def test_np_guard_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    folder = corpus("network/np-guard")
    total, failed = 0, []
    for file in sorted((folder / "input").glob("input_*.json")):
        name = file.stem.removeprefix("input_")
        answers = folder / "expected" / f"analysis_out__{name}_all_vpcs_.txt"
        if not answers.is_file():
            continue
        engine = Engine(read_batfish(file))
        wanted = pairs.expected(answers.read_text(encoding="utf-8"))
        named = sorted({address for pair in wanted for address in pair})
        for source, target in permutations(named, 2):
            total += 1
            found = pairs.allowed(engine, source, target)
            if not pairs.same(wanted.get((source, target), ()), found):
                told = pairs.difference(wanted.get((source, target), ()), found)
                failed.append(f"{name}: {source} -> {target}: {told}")
            answer = engine.ask(Question(source, target)).answer
            assert (answer == "reachable") == bool(found)
    with capsys.disabled():
        print(f"\nnp-guard pairs: {total - len(failed)} of {total}")
    assert total >= 25
    assert not failed, "\n".join(failed)
