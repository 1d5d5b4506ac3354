"""A service on a leash ends when whoever holds the other end is gone, killed or not; without one it is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from sakimori.cli import leash

HOLDER = """
import os, subprocess, sys, time
ours, theirs = os.pipe()
os.set_inheritable(ours, True)
code = "from sakimori.cli import leash; import time; leash.watch(); print('on', flush=True); time.sleep(600)"
service = subprocess.Popen([sys.executable, "-c", code], close_fds=False, stdout=subprocess.PIPE,
                           env={**os.environ, "SAKIMORI_LEASH": str(ours)})
os.close(ours)
service.stdout.readline()
print(service.pid, flush=True)
time.sleep(600)
"""


def test_it_is_told_when_the_other_end_is_closed_and_not_before() -> None:
    ours, theirs = os.pipe()
    gone = threading.Event()
    leash.follow(ours, gone.set)
    os.write(theirs, b"xx")  # that somebody writes is no sign
    assert not gone.wait(0.2)
    os.close(theirs)
    assert gone.wait(30)
    os.close(ours)


def test_a_process_on_no_leash_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(leash.VARIABLE, raising=False)
    before = threading.active_count()
    leash.watch()
    assert threading.active_count() == before


def test_a_service_ends_when_its_holder_is_killed() -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    service = int(holder.stdout.readline())
    watched = os.pidfd_open(service)
    try:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        import select

        ended, _, _ = select.select([watched], [], [], 60)
        assert ended
    finally:
        os.close(watched)
        holder.stdout.close()
