"""Findings about access, explained: every request of the witness, evaluated again under today's policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sakimori.cli.inventories import load_inventory

if TYPE_CHECKING:
    from sakimori.assess.access.engine import Answer


def evaluated_again(finding: Mapping[str, Any], snapshot: Path | None, ledger: str) -> list[dict[str, Any]]:
    """Each step of the finding's chain: the request, what it was answered with, and what it is answered with now."""
    from sakimori.assess.access.estate import estate
    from sakimori.assess.access.replay import replayed

    found = estate(load_inventory(snapshot, ledger))
    return [_told(step, answer) for step, answer in replayed(found, finding["evidence"])]


def _told(step: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    return {"request": step["request"], "before": step["response"], "now": answer.to_json()}


def step_lines(steps: list[dict[str, Any]], conditions: list[str]) -> Iterator[str]:
    """The steps in words, and the statements that decide each now."""
    same = all(step["now"]["response"] == step["before"] for step in steps)
    yield "Evaluated again, it is as it was:" if same else "Evaluated again, it is no longer as it was:"
    for step in steps:
        asked, now = step["request"], step["now"]
        yield f"  {asked['principal']}  {asked['action']}  {asked['resource']['resource']}"
        context = {key: value for key, value in asked["context"].items() if not key.startswith(_KNOWN)}
        if context:
            told = ", ".join(f"{key} = {' or '.join(values)}" for key, values in context.items())
            yield f"      with {told}"
        yield f"      {now['response']}: {now['why']}"
    for condition in conditions:
        yield f"  only if {condition}"


_KNOWN = (
    "aws:principal",
    "aws:resource",
    "s3:resourceaccount",
    "aws:userid",
    "aws:username",
    "aws:sourceowner",
    "kms:calleraccount",
)
"""Keys that every request of the principal has: they tell nothing about this one."""
