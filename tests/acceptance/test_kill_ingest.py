"""`kill -9` at random moments, and the same command again: lake and ledger end as those of a run left alone.

The runs detect, so the ledger holds findings, matches and statuses, too, also those of correlations across objects.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
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


def collect(home: Path, logs: Path, rules: Path | None = None) -> tuple[str, ...]:
    detect = ("--detect", "--no-pack", "--rules", str(rules)) if rules else ()
    return ("collect", "cloudtrail", str(logs), "--workers", "2", "--lake", str(home / "lake"), *detect)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc: processes are not found here")
def test_killed_thirty_times_the_lake_and_the_ledger_end_the_same(tmp_path: Path) -> None:
    logs, rules = tmp_path / "logs", tmp_path / "rules.yml"
    write_logs(logs, OBJECTS, RECORDS)
    rules.write_text(RULES)
    command = partial(collect, logs=logs, rules=rules)
    run(tmp_path / "warm", *command(tmp_path / "warm"))
    code, _, err = run(tmp_path / "quiet", *command(tmp_path / "quiet"))
    assert code == 3, err  # some records are bad on purpose
    expected = lake_hashes(tmp_path / "quiet" / "lake"), ledger_rows(tmp_path / "quiet" / "ledger.sqlite")
    assert len(expected[1]["objects"]) == OBJECTS
    assert all(expected[1][table] for table in ("findings", "finding_records", "matches"))
    assert len({row[1] for row in expected[1]["findings"]}) == 3, "a rule of the test finds nothing"
    assert expected[1]["uncorrelated"] == []

    rng = random.Random(20261121)
    interrupted = 0
    for number in range(ROUNDS):
        home = tmp_path / f"round-{number}"
        for _ in range(KILLS // ROUNDS):
            more = rng.randint(0, 2 * OBJECTS // (KILLS // ROUNDS))
            interrupted += _killed_half_way(home, command(home), more, rng.uniform(0, 0.1), rng.choice(VICTIMS))
        code, _, err = run(home, *command(home))
        assert code in (0, 3), err
        assert lake_hashes(home / "lake") == expected[0]
        assert ledger_rows(home / "ledger.sqlite") == expected[1]
    assert interrupted > KILLS // 3, f"only {interrupted} kills hit a run that was at work: the test proves nothing"


def _killed_half_way(
    home: Path, command: tuple[str, ...], more: int, seconds: float, kill: Callable[[Popen[str]], None]
) -> bool:
    """Starts the command and kills it some time after it wrote so many more files; whether it was not done by then."""
    wanted = _written(home) + more
    process = start(home, *command)
    with process:
        while process.poll() is None and _written(home) < wanted:
            time.sleep(0.005)
        time.sleep(seconds)
        if process.poll() is None:
            kill(process)
        process.communicate(timeout=60)
    return process.returncode not in (0, 3) and _written(home) > 0


def _written(home: Path) -> int:
    return sum(1 for _ in (home / "lake" / "cloudtrail").rglob("*.parquet"))


@pytest.mark.parametrize("detect", [False, True], ids=["collect", "collect --detect"])
def test_two_at_once_do_it_once(tmp_path: Path, detect: bool) -> None:
    logs, rules = tmp_path / "logs", tmp_path / "rules.yml"
    write_logs(logs, 40, RECORDS)
    rules.write_text(RULES)
    command = partial(collect, logs=logs, rules=rules if detect else None)
    run(tmp_path / "quiet", *command(tmp_path / "quiet"))
    home = tmp_path / "shared"
    both = [start(home, *command(home)) for _ in range(2)]
    told = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both if process.returncode not in (0, 3)] == [], told
    assert lake_hashes(home / "lake") == lake_hashes(tmp_path / "quiet" / "lake")
    assert ledger_rows(home / "ledger.sqlite") == ledger_rows(tmp_path / "quiet" / "ledger.sqlite")


RULES = """\
title: A user was made
name: made
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventName: CreateUser
  condition: selection
level: medium
---
title: Many sign-ins
name: many
correlation:
  type: event_count
  rules: [signed_in]
  group-by: [userIdentity.userName]
  timespan: 2h
  condition:
    gte: 20
level: high
---
title: Sign-in
name: signed_in
logsource: {product: aws, service: cloudtrail}
detection:
  selection:
    eventName: ConsoleLogin
  condition: selection
level: low
---
title: From a new address
name: new_address
correlation:
  type: first_seen
  rules: [signed_in]
  group-by: [userIdentity.userName]
  timespan: 30d
  min-history: 6h
  condition:
    field: sourceIPAddress
level: medium
"""
