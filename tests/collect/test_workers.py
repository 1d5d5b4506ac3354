"""Worker processes: every task once, one at a time each, and none that outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from sakimori.collect.workers import WorkerDied, in_parallel


def square(number: int) -> int:
    return number * number


def fail_at_three(number: int) -> int:
    if number == 3:
        raise ValueError(f"no {number}")
    return number


def die_at_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def worker_id(_: int) -> int:
    time.sleep(0.01)
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_task_once(workers: int) -> None:
    assert sorted(in_parallel(square, range(40), workers)) == [(number, number * number) for number in range(40)]


def test_workers_that_are_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sorted(answer for _, answer in in_parallel(square, range(5), 2)) == [0, 1, 4, 9, 16]


def test_no_tasks() -> None:
    assert list(in_parallel(square, [], 3)) == []


def test_one_worker_is_this_process_and_more_are_others() -> None:
    assert {answer for _, answer in in_parallel(worker_id, range(3), 1)} == {os.getpid()}
    others = {answer for _, answer in in_parallel(worker_id, range(20), 2)}
    assert len(others) == 2
    assert os.getpid() not in others


@pytest.mark.parametrize("workers", [1, 3])
def test_what_work_raises_is_raised_here(workers: int) -> None:
    with pytest.raises(ValueError, match="no 3"):
        list(in_parallel(fail_at_three, range(10), workers))


def test_a_worker_that_dies_is_reported_with_its_task() -> None:
    with pytest.raises(WorkerDied, match="was ended by SIGKILL") as caught:
        list(in_parallel(die_at_three, range(10), 2))
    assert caught.value.task == 3


def test_tasks_are_drawn_only_as_workers_come_free() -> None:
    drawn = 0

    def tasks() -> Iterator[int]:
        nonlocal drawn
        while drawn < 100:
            drawn += 1
            yield drawn

    with closing(in_parallel(square, tasks(), 2)) as results:
        for done, _ in enumerate(results):
            assert drawn <= done + 3
            if done == 10:
                break


def test_workers_end_with_a_run_that_is_left_early_or_killed() -> None:
    code = (
        "import os, sys, time\n"
        "from sakimori.collect.workers import in_parallel\n"
        "def work(n):\n"
        "    os.write(1, b'%d\\n' % os.getpid()); time.sleep(0.2)\n"
        "for n, _ in in_parallel(work, range(1000), 3): pass\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=_environment())
    assert run.stdout is not None
    workers = {int(run.stdout.readline()) for _ in range(6)}
    assert len(workers) == 3
    run.kill()
    run.wait()
    deadline = time.monotonic() + 10
    while any(map(_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [worker for worker in workers if _alive(worker)] == []
    run.stdout.close()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": ":".join(sys.path)}


def _alive(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat") as stat:  # noqa: PTH123 - gone between question and answer
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_that_died_between_two_tasks_is_named_with_the_task_it_was_to_have() -> None:
    with pytest.raises(WorkerDied, match="SIGKILL") as died:
        take_slowly()
    assert died.value.task in (2, 3, 4)


def take_slowly() -> None:
    for _ in in_parallel(kill_yourself_afterwards, [1, 2, 3, 4], 2):
        time.sleep(0.3)  # long enough for the worker to be gone when it is given the next


def kill_yourself_afterwards(task: int) -> int:
    """Answers, and is gone before the next task."""
    threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGKILL)).start()
    return task
