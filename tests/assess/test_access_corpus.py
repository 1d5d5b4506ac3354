"""The cases of @cloud-copilot/iam-simulate, read in place: every strict one is answered as expected."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from corpus import corpus
from sakimori.assess.access.cases import simulate

Case = tuple[str, dict[str, Any], str]


def core_cases() -> Iterator[Case]:
    """Name, case and expected response; without the tool's own Discovery mode."""
    for file in sorted(corpus("iam/iam-simulate").glob("core/**/*.json")):
        for case in json.loads(file.read_text(encoding="utf-8")):
            if (case.get("simulation") or {}).get("mode") != "Discovery":
                yield f"{file.stem}: {case['name']}", case, case["expected"]["response"]


def simulation_cases() -> Iterator[Case]:
    """The same of its outer interface, whose cases name their policies and call the context by another name."""
    for file in sorted(corpus("iam/iam-simulate").glob("simulation/**/*.json")):
        for case in json.loads(file.read_text(encoding="utf-8")):
            if (case.get("simulationOptions") or {}).get("simulationMode") == "Discovery":
                continue
            inner = case["simulation"]
            request = {**inner["request"], "context": inner["request"].get("contextVariables") or {}}
            boundaries = inner.get("permissionBoundaryPolicies") or []
            ours = {**inner, "request": request, "permissionBoundaries": boundaries}
            yield f"{file.stem}: {case['name']}", ours, case["expected"]["overallResult"]


def wrong(cases: Iterator[Case]) -> tuple[list[str], int]:
    found, count = [], 0
    for name, case, expected in cases:
        count += 1
        answer = simulate(case)
        if answer.response.value != expected:
            found.append(f"{name}: {answer.response.value} ({answer.why}), expected {expected}")
    return found, count


def test_every_strict_case_is_right() -> None:
    problems, count = wrong(core_cases())
    assert problems == []
    assert count >= 180


def test_every_simulation_case_is_right() -> None:
    problems, count = wrong(simulation_cases())
    assert problems == []
    assert count >= 28


def test_every_answer_says_why() -> None:
    answers = [simulate(case) for _, case, _ in core_cases()]
    assert all(answer.why for answer in answers)
    assert all(answer.decided_by for answer in answers if answer.response.value == "ExplicitlyDenied")
