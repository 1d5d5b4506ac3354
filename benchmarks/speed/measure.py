"""What a program costs: CPU time of all its processes, wall time, and the most memory they had together."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

SAMPLE_SECONDS = 0.02


class Failed(Exception):
    """A measured program did not do its work; the message ends with what it said last."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds; `cpu` is user + system of the process and of all its descendants."""

    cpu: float
    wall: float
    output: str = ""


def run(command: Sequence[str], environment: Mapping[str, str] | None = None, *, keep: bool = False) -> Cost:
    """Runs the command in a fresh process. Raises Failed for an exit code other than 0; `keep` captures its output.

    The difference of RUSAGE_CHILDREN holds exactly this process and what it waited for, as nothing else runs.
    """
    before, began = _children(), time.perf_counter()
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE if keep else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    wall, cpu = time.perf_counter() - began, _children() - before
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:6])} ... ended with {done.returncode}: {done.stderr[-500:]}")
    return Cost(cpu, wall, done.stdout or "")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def interleaved(cases: Mapping[str, Callable[[], Cost]], runs: int) -> dict[str, list[Cost]]:
    """Every case `runs` times, one after the other in rounds, so that a slow spell of the machine meets them all."""
    costs: dict[str, list[Cost]] = {name: [] for name in cases}
    for number in range(1, runs + 1):
        for name, case in cases.items():
            if sys.stderr.isatty():
                print(f"\r\x1b[Krun {number} of {runs}: {name}\r", end="", file=sys.stderr, flush=True)
            costs[name].append(case())
    return costs


def cpu(costs: Sequence[Cost]) -> float:
    return median(cost.cpu for cost in costs)


def peak_memory(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Most bytes that the command's processes had resident together, shared pages counted once a process (Linux).

    Sampled from /proc every 20 ms; 0 where there is no /proc.
    """
    done = threading.Event()
    peak = 0
    with subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:

        def watch() -> None:
            nonlocal peak
            while not done.wait(SAMPLE_SECONDS):
                peak = max(peak, _resident(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        process.wait()
        done.set()
        watcher.join()
    return peak


def _resident(process: int) -> int:
    """Bytes resident in a process and in its descendants. One that ends meanwhile counts nothing."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_resident(int(child)) for child in children)
