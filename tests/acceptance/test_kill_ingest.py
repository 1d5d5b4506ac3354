"""`kill -9` at random moments, and the same command again: lake and ledger end as those of a run left alone."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import Popen

import pytest
from cloudtrail_logs import lake_hashes, ledger_rows, run, start, write_logs

KILLS = 30
ROUNDS = 5
OBJECTS, RECORDS = 60, 40


def _program(process: Popen[str]) -> None:
    """Only the program: its workers have to notice."""
    process.kill()


def _everything(process: Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)


def _one_worker(process: Popen[str]) -> None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    with suppress(OSError):
        for child in children.read_text().split()[:1]:
            os.kill(int(child), signal.SIGKILL)
            return
    process.kill()


VICTIMS: tuple[Callable[[Popen[str]], None], ...] = (_program, _everything, _one_worker)


def collect(home: Path, logs: Path) -> tuple[str, ...]:
    return ("collect", "cloudtrail", str(logs), "--workers", "2", "--lake", str(home / "lake"))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc: processes are not found here")
def test_killed_thirty_times_the_lake_and_the_ledger_end_the_same(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    write_logs(logs, OBJECTS, RECORDS)
    began = time.monotonic()
    code, _, err = run(tmp_path / "quiet", *collect(tmp_path / "quiet", logs))
    whole = time.monotonic() - began
    assert code == 3, err  # some records are bad on purpose
    expected = lake_hashes(tmp_path / "quiet" / "lake"), ledger_rows(tmp_path / "quiet" / "ledger.sqlite")
    assert len(expected[1]["objects"]) == OBJECTS

    rng = random.Random(20261121)
    interrupted = 0
    for number in range(ROUNDS):
        home = tmp_path / f"round-{number}"
        for _ in range(KILLS // ROUNDS):
            interrupted += _killed_half_way(home, logs, rng.uniform(0.3, 1.0) * whole, rng.choice(VICTIMS))
        code, _, err = run(home, *collect(home, logs))
        assert code in (0, 3), err
        assert lake_hashes(home / "lake") == expected[0]
        assert ledger_rows(home / "ledger.sqlite") == expected[1]
    assert interrupted > KILLS // 3, "hardly any kill hit a run that was at work: the test proves nothing"


def _killed_half_way(home: Path, logs: Path, seconds: float, kill: Callable[[Popen[str]], None]) -> bool:
    """Starts the command and kills it; whether it had begun to write and was not done."""
    process = start(home, *collect(home, logs))
    with process:
        time.sleep(seconds)
        kill(process)
        process.communicate(timeout=60)
    written = sum(1 for _ in (home / "lake" / "cloudtrail").rglob("*.parquet"))
    return process.returncode not in (0, 3) and written > 0


def test_two_at_once_do_it_once(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    write_logs(logs, 40, RECORDS)
    run(tmp_path / "quiet", *collect(tmp_path / "quiet", logs))
    home = tmp_path / "shared"
    both = [start(home, *collect(home, logs)) for _ in range(2)]
    told = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both if process.returncode not in (0, 3)] == [], told
    assert lake_hashes(home / "lake") == lake_hashes(tmp_path / "quiet" / "lake")
    assert ledger_rows(home / "ledger.sqlite") == ledger_rows(tmp_path / "quiet" / "ledger.sqlite")
