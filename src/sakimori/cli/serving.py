"""Serving over HTTP in the background, until this process is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uvicorn


@contextmanager
def background(config: uvicorn.Config, calls: Any) -> Iterator[None]:
    """Answers the calls that arrive at a socket, meanwhile."""
    import uvicorn

    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # ours stop other work too
    thread = threading.Thread(target=server.run, args=([calls],), name="http", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@contextmanager
def told_to_stop() -> Iterator[threading.Event]:
    """An event that is set by SIGTERM or SIGINT."""
    stop = threading.Event()

    def hear(*_: Any) -> None:
        stop.set()

    before = [(number, signal.signal(number, hear)) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        yield stop
    finally:
        for number, handler in before:
            signal.signal(number, handler)
