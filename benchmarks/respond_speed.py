"""What a response costs beside the bare durable steps under it: runs a second against dbos's own two-step workflows.

    python benchmarks/respond_speed.py [--runs N]

Both on the same disk, in turns, so that what else the machine does slows both alike; dbos as it comes out of the box.
A run parses an event, enters its finding and the run, plans, acts on a pretended thing, proves it and writes the audit
log; dbos's own workflow has two steps that do nothing. The target is at least half of dbos's own rate. The exit code is
1 if it is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID

from sakimori.collect.events import heard
from sakimori.model.action import Mode
from sakimori.respond import plugins
from sakimori.respond.durable import DurableEngine
from sakimori.respond.policy import Limits, Policy

ROOT = Path(__file__).resolve().parent.parent
TARGET = 0.5
ROUNDS = 5
QUIET: Any = {"log_level": "ERROR", "console_log_level": "ERROR", "enable_otlp": False}


@DBOS.step(name="bench-step")
def _step(number: int) -> int:
    return number + 1


@DBOS.workflow(name="bench-workflow")
def _two_steps(number: int) -> int:
    return _step(_step(number))


def bare(count: int, folder: Path) -> float:
    """dbos's own workflows a second, as it is set out of the box."""
    DBOS(config={"name": "bench", "system_database_url": f"sqlite:///{folder}/bare.sqlite", **QUIET})
    DBOS.launch()
    try:
        begun = time.perf_counter()
        handles = []
        for number in range(count):
            with SetWorkflowID(f"bare-{begun}-{number}"):
                handles.append(DBOS.start_workflow(_two_steps, number))
        for handle in handles:
            handle.get_result()
        return count / (time.perf_counter() - begun)
    finally:
        DBOS.destroy()


def ours(durable: DurableEngine, count: int, round_: int) -> float:
    """Events responded to a second, from their text to the proof."""

    import told_events as told

    bodies = [json.dumps(told.guardduty(number=round_ * 100_000 + number)) for number in range(count)]
    begun = time.perf_counter()
    runs = [run for body in bodies for event in heard(body, "bench").events for run in durable.engine.take(event)]
    for run in runs:
        durable.wait(run, 1)
    return count / (time.perf_counter() - begun)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60, help="in each of the rounds")
    count = parser.parse_args().runs
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "respond")]

    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "respond")]
    from pretend import Pretended, opened_engine

    world = Pretended()
    plugins.workflow_names = lambda: ["painter"]  # type: ignore[assignment]
    plugins.workflow = plugins.action = lambda name: world  # type: ignore[assignment,return-value]
    policy = Policy(Mode.AUTO, limits=Limits(actions=1_000_000, account_actions=1_000_000))
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "ledger.sqlite"
        rates = []
        for round_ in range(ROUNDS):
            theirs = bare(count, Path(folder))
            with opened_engine(ledger, policy, "listener") as engine, DurableEngine(engine, ledger) as durable:
                rates.append((theirs, ours(durable, count, round_)))
    ratio = statistics.median(mine / theirs for theirs, mine in rates)
    theirs, mine = (statistics.median(each) for each in zip(*rates, strict=True))
    print(f"dbos alone {theirs:.0f} workflows/s, responses {mine:.0f}/s: {ratio:.0%} of it (target {TARGET:.0%})")
    return ratio < TARGET


if __name__ == "__main__":
    raise SystemExit(main())
