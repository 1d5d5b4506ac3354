"""`kill -9` during a task: the next manager finds it and ends it, done or failed, and none is forgotten."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

LEASE_SECONDS = 2

SLOW = """
import sys, time
from pathlib import Path
from sakimori.protect.app import application
from sakimori.protect.manager import Manager, Options
from sakimori.protect.work import Outcome
from sakimori.store.database import connect
import uvicorn

home, port, marks = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])

def scan(job, rules):
    with marks.open("a") as file:
        file.write(f"{job.id}\\n")
    time.sleep(float(sys.argv[4]))
    return Outcome(recommended={"intrusionpreventionrules": frozenset((1,))}, message="scanned")

small = {"intrusionpreventionrules": {1: {"name": "First", "recommendationsMode": "enabled"}}}
options = Options(performers={"scan-for-recommendations": scan}, lease_ms=int(sys.argv[5]), built_in=small)
manager = Manager(connect(home / "ledger.sqlite"), options)
key = manager.prepare()
if key:
    (home / "key").write_text(key)
uvicorn.run(application(manager), host="127.0.0.1", port=port, log_level="error")
"""


class Manager:
    """A manager whose scans take as long as is said, in a process that can be killed."""

    def __init__(self, home: Path, port: int, seconds: float) -> None:
        self.home, self.port = home, port
        self.marks = home / "started"
        lease = str(LEASE_SECONDS * 1_000)
        command = [sys.executable, "-c", SLOW, str(home), str(port), str(self.marks), str(seconds), lease]
        self.process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": ":".join(sys.path)})
        self.wait(lambda: self.call("GET", "/policies") is not None)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"api-secret-key": (self.home / "key").read_text(), "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def wait(self, holds: Any, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if holds():
                    return
            except OSError:
                assert self.process.poll() is None, "the manager ended by itself"
            time.sleep(0.05)
        raise AssertionError("waited in vain")

    def started(self) -> int:
        return len(self.marks.read_text().split()) if self.marks.exists() else 0

    def wait_for_start(self, number: int) -> None:
        self.wait(lambda: self.started() == number)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


def free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def states(home: Path) -> list[tuple[str, str, int]]:
    engine = create_engine(f"sqlite:///{home / 'ledger.sqlite'}")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT state, message, attempts FROM protect_jobs ORDER BY id")).all()
    engine.dispose()
    return [(row.state, row.message, row.attempts) for row in rows]


def scan_of(computer: int) -> dict[str, Any]:
    return {
        "name": f"scan {computer}",
        "type": "scan-for-recommendations",
        "runNow": True,
        "scheduleDetails": {
            "recurrenceType": "none",
            "recurrenceCount": 1,
            "onceOnlyScheduleParameters": {"startTime": 0},
        },
        "scanForRecommendationsTaskParameters": {"computerFilter": {"type": "computer", "computerID": computer}},
    }


def test_a_task_that_was_killed_is_resumed(tmp_path: Path) -> None:
    manager = Manager(tmp_path, free_port(), 60)
    computers = [manager.call("POST", "/computers?expand=none", {"hostName": f"h{each}"})["ID"] for each in range(3)]
    tasks = [manager.call("POST", "/scheduledtasks", scan_of(each))["ID"] for each in computers]
    manager.wait_for_start(1)
    manager.kill()
    assert [state for state, _, _ in states(tmp_path)] == ["running", "queued", "queued"]

    again = Manager(tmp_path, free_port(), 0)
    try:
        again.wait(lambda: [state for state, _, _ in states(tmp_path)] == ["done"] * 3)
        assert [attempts for _, _, attempts in states(tmp_path)] == [2, 1, 1]
        assert again.started() == 4, "the one that was killed was done again, the others once"
        again.wait(lambda: again.call("GET", "/scheduledtasks")["scheduledTasks"] == [])
        for computer in computers:
            found = again.call("GET", f"/computers/{computer}/intrusionprevention/assignments")
            assert (found["recommendationScanStatus"], found["recommendedToAssignRuleIDs"]) == ("valid", [1])
        assert len(tasks) == 3
    finally:
        again.stop()


def test_a_task_that_kills_every_manager_is_reported_failed(tmp_path: Path) -> None:
    port = free_port()
    manager = Manager(tmp_path, port, 60)
    computer = manager.call("POST", "/computers?expand=none", {"hostName": "h"})["ID"]
    manager.call("POST", "/scheduledtasks", scan_of(computer))
    for attempt in (1, 2, 3):
        manager.wait_for_start(attempt)
        manager.kill()
        manager = Manager(tmp_path, port, 60)
    try:
        manager.wait(lambda: states(tmp_path)[0][0] == "failed")
        assert states(tmp_path) == [
            ("failed", "given up after 3 attempts: each time, what ran it ended without an answer", 3)
        ]
        manager.wait(lambda: manager.call("GET", "/scheduledtasks")["scheduledTasks"] == [])
        shown = manager.call("GET", "/sakimori/tasks")["tasks"]
        assert [(each["state"], each["attempts"]) for each in shown] == [("failed", 3)]
    finally:
        manager.stop()
