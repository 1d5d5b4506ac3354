"""`sakimori up`: all services come up, are told to stop together, and what fails is named."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from program import command, environment, sakimori

UP = "sakimori is up: "


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def configured(home: Path) -> int:
    """Gives every service a port of its own; gives the manager's."""
    port = free_port()
    served = f"[protect.serve]\nport = {port}\nplain_http = true\n"
    (home / "sakimori.toml").write_text(f"{served}[console.serve]\nport = {free_port()}\n")
    return port


def console_of(home: Path) -> str:
    """Where the console is."""
    port = tomllib.loads((home / "sakimori.toml").read_text())["console"]["serve"]["port"]
    return f"http://127.0.0.1:{port}"


@contextmanager
def running(home: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command("up", *words),
        env=environment(home) | {"SAKIMORI_WEBHOOK_KEY": "a-key-of-this-test-alone"},
        cwd=home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def until_up(process: subprocess.Popen[str]) -> list[str]:
    """What it said until all services were up."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line.rstrip())
        if line.startswith(UP):
            return said
    raise AssertionError(f"it did not come up: {said}")


def test_all_services_come_up_and_stop_on_ctrl_c(tmp_path: Path) -> None:
    port, hook = configured(tmp_path), free_port()
    with running(tmp_path, "--webhook", f"127.0.0.1:{hook}") as process:
        said = until_up(process)
        services = said[-1].removeprefix(UP).removesuffix("; Ctrl-C stops it").split(", ")
        assert sorted(services) == [
            f"console listening on {console_of(tmp_path)}",
            f"protect listening on http://127.0.0.1:{port}/api",
            "respond listening",
        ]
        urllib.request.urlopen(f"{console_of(tmp_path)}/healthz", timeout=10).close()
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10).close()
        socket.create_connection(("127.0.0.1", hook), 10).close()
        process.send_signal(signal.SIGINT)
        printed, rest = process.communicate(timeout=60)
    assert (process.returncode, rest.splitlines()[-1]) == (0, "stopped")
    key, invitation = sorted(printed.splitlines(), reverse=True)
    assert re.fullmatch(r"skm-0-1-\S+", key)
    assert re.fullmatch(rf"{console_of(tmp_path)}/welcome\?token=[\w-]{{43}}", invitation)
    for each in (port, hook):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", each), 10)


def test_without_a_place_for_events_the_others_run_and_that_is_said(tmp_path: Path) -> None:
    port = configured(tmp_path)
    with running(tmp_path) as process:
        said = until_up(process)
        process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 10)
    assert said[0] == "respond is not started: no --queue and no --webhook says where events come from"
    assert process.returncode == 0


def test_a_service_that_cannot_start_is_named_and_stops_the_others(tmp_path: Path) -> None:
    port, hook = configured(tmp_path), free_port()
    with socket.create_server(("127.0.0.1", port)), running(tmp_path, "--webhook", f"127.0.0.1:{hook}") as process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 4
    assert said.splitlines()[-1] == (
        "protect ended with exit code 4 before it was ready: the manager cannot listen on 127.0.0.1 "
        f"port {port}: something listens there already; if it is not the manager itself, choose another port; "
        "all services are stopped"
    )
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", hook), 10)


def test_a_service_that_dies_is_named(tmp_path: Path) -> None:
    configured(tmp_path)
    with running(tmp_path) as process:
        until_up(process)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGKILL)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 4
    assert said.splitlines()[-1] == "protect was killed by signal 9; all services are stopped"


def ended(process: int) -> bool:
    """Waits for the end of a process that is nobody's child here, as pidfd_open(2) tells it; False after 5 minutes."""
    waiting = select.poll()
    waiting.register(process, select.POLLIN)
    return bool(waiting.poll(300_000))


@pytest.mark.parametrize("when", ["up", "coming up"])
def test_when_it_is_killed_the_services_stop_by_themselves(tmp_path: Path, when: str) -> None:
    port, hook = configured(tmp_path), free_port()
    with running(tmp_path, "--webhook", f"127.0.0.1:{hook}") as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if when == "up":
            until_up(process)
        while len(services := children.read_text().split()) < 3:
            assert process.poll() is None, "it ended before it had started them"
        watched = [os.pidfd_open(int(each)) for each in services]
        process.kill()
        assert all([ended(each) for each in watched])
    for each in watched:
        os.close(each)
    for each in (port, hook):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", each), 10)


def test_a_topic_without_a_webhook_is_refused(tmp_path: Path) -> None:
    done = sakimori(tmp_path, "up", "--topic", "arn:aws:sns:eu-west-1:111122223333:t")
    assert done.returncode == 2
    assert b"give --webhook, too" in done.stderr


def test_a_webhook_that_cannot_be_listened_on_is_named(tmp_path: Path) -> None:
    configured(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        hook = f"127.0.0.1:{taken.getsockname()[1]}"
        with running(tmp_path, "--webhook", hook) as process:
            _, said = process.communicate(timeout=120)
    assert process.returncode == 4
    assert f"respond ended with exit code 4 before it was ready: failed: --webhook {hook} cannot be listened" in said


def test_only_what_is_wanted_runs(tmp_path: Path) -> None:
    port = configured(tmp_path)
    with running(tmp_path, "--only", "console") as process:
        assert process.stderr is not None
        said = [process.stderr.readline().rstrip() for _ in range(2)]
        assert said[0].startswith("printed the link with which ")
        assert said[1] == f"listening on {console_of(tmp_path)}"
        urllib.request.urlopen(f"{console_of(tmp_path)}/healthz", timeout=10).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 10)
        again = sakimori(tmp_path, "up", "--only", "console")
        assert (again.returncode, b"another process" in again.stderr) == (4, True)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 0
    nothing = sakimori(tmp_path, "up", "--only", "respond")
    assert (nothing.returncode, b"say where events come from" in nothing.stderr) == (2, True)
    unheard = sakimori(tmp_path, "up", "--only", "console", "--webhook", "127.0.0.1:0")
    assert (unheard.returncode, b"events are taken in by respond: add --only respond" in unheard.stderr) == (2, True)


def test_a_console_that_others_reach_needs_an_address(tmp_path: Path) -> None:
    (tmp_path / "sakimori.toml").write_text('[console.serve]\nhost = "0.0.0.0"\n')
    done = sakimori(tmp_path, "up", "--only", "console")
    assert done.returncode == 2
    assert b"say by which address people reach it" in done.stderr
    (tmp_path / "sakimori.toml").write_text('[console.serve]\naddress = "sakimori.example.org"\n')
    done = sakimori(tmp_path, "up", "--only", "console")
    assert (done.returncode, b"begin it with https://" in done.stderr) == (2, True)


def test_people_are_invited_and_removed(tmp_path: Path) -> None:
    invited = sakimori(tmp_path, "up", "--invite", "Kaede")
    assert re.fullmatch(rb"http://127\.0\.0\.1:8471/welcome\?token=[\w-]{43}\n", invited.stdout)
    assert b"with which kaede chooses a password" in invited.stderr
    refused = sakimori(tmp_path, "up", "--token", "kaede")
    assert (refused.returncode, b"nobody called kaede may sign in" in refused.stderr) == (4, True)
    assert sakimori(tmp_path, "up", "--remove", "kaede").returncode == 0
    gone = sakimori(tmp_path, "up", "--remove", "kaede")
    assert (gone.returncode, b"nobody is called kaede" in gone.stderr) == (4, True)
    wrong = sakimori(tmp_path, "up", "--invite", "no spaces")
    assert (wrong.returncode, b"is no name" in wrong.stderr) == (4, True)
    shown = sakimori(tmp_path, "respond", "audit", "show").stdout.decode().split()
    assert [shown.count(each) for each in ("invited", "removed")] == [1, 1]
