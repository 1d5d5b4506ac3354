"""What `sakimori respond` says of a run: its decision, its changes, and what a person may do next."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sakimori.cli.respond_output import MOST_LINES, told
from sakimori.model.action import Mode, Target
from sakimori.respond.runs import ActionRow, ActionState, Run, RunState

BUCKET = Target("AWS::S3::Bucket", "arn:aws:s3:::data")
BLOCK = ActionRow(
    0,
    "block-public-access",
    BUCKET,
    ActionState.PLANNED,
    {"Blocked": False},
    {"Blocked": True},
    {},
    "it is public",
    "",
)
RUN = Run(
    "r-1",
    "macie",
    "f-1",
    "1",
    "111122223333",
    Mode.OBSERVE,
    RunState.OBSERVED,
    1,
    "block-public-access",
    "Macie says that the bucket is public",
    ("who may read it: no asset is known",),
    "2026-11-25T08:30:00Z",
    "2026-11-25T08:30:00Z",
    (BLOCK,),
)


def test_a_run_is_told_with_its_change() -> None:
    assert list(told(RUN)) == [
        "r-1  macie: observed: block-public-access",
        "  because Macie says that the bucket is public",
        "  0 block-public-access on arn:aws:s3:::data: planned: it is public",
        "        {",
        '      -   "Blocked": false',
        '      +   "Blocked": true',
        "        }",
        "  not evaluated: who may read it: no asset is known",
        "  nothing was changed: --mode approve waits for a person, --mode auto does it",
    ]
    assert not any("Blocked" in line for line in told(RUN, changes=False))


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"state": RunState.WAITING}, "  it waits for you: sakimori respond approve r-1 (or --reject)"),
        ({"state": RunState.FAILED}, "  its story: sakimori respond show r-1; to go on with what is not done: respond"),
        (
            {"state": RunState.DONE, "actions": (replace(BLOCK, state=ActionState.DONE, applied_at="2026"),)},
            "  to take it back: sakimori respond undo r-1",
        ),
        ({"state": RunState.OBSERVED, "actions": ()}, "  not evaluated: who may read it: no asset is known"),
        ({"state": RunState.REJECTED}, "  not evaluated: who may read it: no asset is known"),
    ],
)
def test_what_a_person_may_do_next(fields: dict[str, Any], hint: str) -> None:
    assert list(told(replace(RUN, **fields)))[-1].startswith(hint)


def test_a_long_change_is_cut_and_says_so() -> None:
    large = replace(BLOCK, would={str(number): number for number in range(100)})
    lines = list(told(replace(RUN, actions=(large,))))
    assert sum(line.startswith("      ") for line in lines) == MOST_LINES + 1
    assert any("lines more: --json has them" in line for line in lines)


def test_what_a_finding_says_cannot_steer_the_terminal() -> None:
    lines = "\n".join(told(replace(RUN, why="\x1b[2Jgone\nr-2  waf: done", decision="\x07")))
    assert "\x1b" not in lines
    assert "\x07" not in lines
    assert not any(line.startswith("r-2") for line in lines.splitlines())
