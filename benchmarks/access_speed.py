"""How fast access is decided: beside @cloud-copilot/iam-simulate, and over organisations of many sizes.

    python benchmarks/access_speed.py [--rounds 3] [--quick] [--json FILE]

The peer (npm, AGPL: never part of the program) is installed from a committed lock into the user's cache; without npm
its lines are left out, and said so. Both sides evaluate every case from its JSON, policies and all, with explanations;
they take turns, and figures are evaluations a second of CPU time, the best of the rounds. Targets are ratios of the
same run, and the times of the plan; the exit code is 1 if one is missed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs

from access.estate import organization
from sakimori.assess.access.cases import simulate
from sakimori.assess.access.effective import what_can
from sakimori.assess.access.estate import Estate, estate
from sakimori.assess.access.questions import who_can

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parents[1] / "shared" / "corpus" / "iam" / "iam-simulate"
PEER = HERE / "access" / "peer"
REPEATS = 20
BUCKETS = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table; `reached` is None where there is no target."""

    what: str
    figure: str
    target: str = ""
    reached: bool | None = None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round, and no more than 1,000 roles")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    lines = [*beside_the_peer(1 if chosen.quick else chosen.rounds), *at_scale(chosen.quick)]
    for line in lines:
        mark = "" if line.reached is None else "reached" if line.reached else "MISSED"
        print(f"{line.what:<66} {line.figure:>22}  {line.target:<16} {mark}".rstrip())
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n", encoding="utf-8")
    return int(any(line.reached is False for line in lines))


# ---- beside the peer


def cases() -> list[tuple[dict[str, Any], str]]:
    """The strict cases of the peer's own suite with what they expect."""
    return [
        (case, case["expected"]["response"])
        for file in sorted(CORPUS.glob("core/**/*.json"))
        for case in json.loads(file.read_text(encoding="utf-8"))
        if (case.get("simulation") or {}).get("mode") != "Discovery"
    ]


def beside_the_peer(rounds: int) -> Iterator[Line]:
    found = cases()
    if not found:
        yield Line("cases of iam-simulate: no corpus beside the repository", "left out")
        return
    given, expected = [case for case, _ in found], [response for _, response in found]
    place = install()
    ours, engine, interface = 0.0, 0.0, 0.0
    peer: dict[str, Any] = {}
    for _ in range(rounds):
        ours = max(ours, rate(given))
        if place is not None:
            peer = run_peer(place, given)
            engine, interface = (max(a, speed(peer[b])) for a, b in ((engine, "engine"), (interface, "interface")))
    mine = [simulate(case).response.value for case in given]
    right = sum(a == b for a, b in zip(mine, expected, strict=True))
    yield Line("strict cases answered as expected", f"{right} of {len(given)}", "all", right == len(given))
    yield Line("evaluations with explanations", f"{ours:,.0f}/s")
    if place is None:
        yield Line("@cloud-copilot/iam-simulate: npm is not installed", "left out")
        return
    same = sum(a == b for a, b in zip(mine, peer["engine"]["verdicts"], strict=True))
    yield Line("the same verdict as iam-simulate's engine", f"{same} of {len(given)}", "all", same == len(given))
    yield Line("iam-simulate, its engine", f"{engine:,.0f}/s")
    yield Line("iam-simulate, its public interface (checks input first)", f"{interface:,.0f}/s")
    yield Line("times the engine's speed", f"{ours / engine:.1f}", "at least 3", ours >= 3 * engine)
    yield Line("times the interface's speed", f"{ours / interface:.1f}", "at least 3", ours >= 3 * interface)


def rate(given: list[dict[str, Any]]) -> float:
    for case in given:
        simulate(case).to_json()
    begin = time.process_time()
    for _ in range(REPEATS):
        for case in given:
            simulate(case).to_json()
    return REPEATS * len(given) / (time.process_time() - begin)


def install() -> Path | None:
    """The folder with the peer, installed by its lock; None without npm."""
    place = Path(platformdirs.user_cache_dir("sakimori-benchmarks")) / "iam-simulate"
    done = subprocess.run([PEER / "install.sh", place], capture_output=True, text=True)
    if done.returncode:
        print(f"the peer could not be installed: {done.stderr.strip()}", file=sys.stderr)
        return None
    return place


def run_peer(place: Path, given: list[dict[str, Any]]) -> dict[str, Any]:
    command = ["node", "simulate.mjs", str(REPEATS)]
    done = subprocess.run(command, cwd=place, input=json.dumps(given), capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def speed(measured: dict[str, Any]) -> float:
    return float(measured["evaluations"] / measured["cpu"])


# ---- at scale


def at_scale(quick: bool) -> Iterator[Line]:
    for roles in (100, 1_000) if quick else (100, 1_000, 10_000):
        inventory = organization(roles, BUCKETS)
        begin = time.process_time()
        found = estate(inventory)
        made = time.process_time() - begin
        one = seconds_of_one(found)
        every, rows = seconds_of_all(found)
        what = seconds_of_what(found)
        target = roles == 1_000
        yield Line(f"{roles:,} roles: reading the inventory", f"{made:.2f} s")
        yield Line(f"{roles:,} roles: who can read one bucket", f"{one:.3f} s")
        yield Line(
            f"{roles:,} roles: who can read each of {BUCKETS} buckets ({rows:,} rows)",
            f"{every:.2f} s",
            "under 10 s" if target else "",
            every < 10 if target else None,
        )
        yield Line(
            f"{roles:,} roles: what one administrator can, of 19,000 actions",
            f"{what:.2f} s",
            "under 1 s" if target else "",
            what < 1 if target else None,
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        yield Line(f"{roles:,} roles: peak memory of the process", f"{peak:,.0f} MB")


def seconds_of_one(found: Estate) -> float:
    bucket = next(found.inventory.of_type("AWS::S3::Bucket"))
    begin = time.process_time()
    who_can(found, "s3:GetObject", bucket.uid)
    return time.process_time() - begin


def seconds_of_all(found: Estate) -> tuple[float, int]:
    begin = time.process_time()
    rows = sum(
        len(who_can(found, "s3:GetObject", bucket.uid).rows) for bucket in found.inventory.of_type("AWS::S3::Bucket")
    )
    return time.process_time() - begin, rows


def seconds_of_what(found: Estate) -> float:
    """The slowest kind of what-question: of a role that may do everything; role-0 of the generator is one."""
    begin = time.process_time()
    what_can(found, next(arn for arn in found.identities if arn.endswith("role/role-0")))
    return time.process_time() - begin


if __name__ == "__main__":
    raise SystemExit(main())
