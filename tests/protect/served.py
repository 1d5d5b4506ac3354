"""A manager that really serves: in a process of its own, over HTTP or HTTPS."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NO_LIMITS = "calls_of_key = 0\ncalls_of_tenant = 0\ncalls_of_node = 0\n"


@dataclass(frozen=True, slots=True)
class Served:
    """Where a manager is served. `key` is its first one, `ca` None for plain HTTP."""

    url: str
    key: str
    ca: Path | None
    process: subprocess.Popen[str]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def served(home: Path, *, tls: bool = True, settings: str = NO_LIMITS, key: str = "") -> Iterator[Served]:
    """`sakimori protect serve` on a free port, with its data in `home`; `key` where there is one already."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "sakimori.toml").write_text(f"[protect.serve]\n{settings}")
    port = free_port()
    command = [sys.executable, "-m", "sakimori", "protect", "serve", "--port", str(port)]
    command += [] if tls else ["--plain-http"]
    errors = home / "serve.log"
    with errors.open("a") as log:
        process = subprocess.Popen(
            command,
            cwd=home,
            env={**os.environ, "SAKIMORI_HOME": str(home), "PYTHONPATH": ":".join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        url = f"{'https' if tls else 'http'}://localhost:{port}"
        ca = home / "protect" / "tls" / "ca.pem" if tls else None
        _wait(url, ca, process, errors)
        if not key:
            assert process.stdout is not None
            key = process.stdout.readline().strip()
            assert re.fullmatch(r"skm-0-\d+-\S+", key), "the first start prints the first key"
        yield Served(url, key, ca, process)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()


def _wait(url: str, ca: Path | None, process: subprocess.Popen[str], errors: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the manager ended: {errors.read_text()}")
        try:
            context = ssl.create_default_context(cafile=ca) if ca is not None else None
            urllib.request.urlopen(f"{url}/healthz", context=context, timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, FileNotFoundError):
            time.sleep(0.05)
    raise AssertionError(f"the manager did not answer: {errors.read_text()}")
