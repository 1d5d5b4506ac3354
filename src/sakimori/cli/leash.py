"""A pipe from which a service learns that `sakimori up` is gone, however it went: `kill -9` tells nobody.

`up` holds the end that nothing is ever written to. The system closes it when `up` ends, and the service stops as if it
had been told to.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

VARIABLE = "SAKIMORI_LEASH"
"""The environment variable that holds the number of the end that a service reads."""

STOP_SECONDS = 30
"""How long a service may take to end what it is at, before it is killed."""


def watch() -> None:
    """Ends this process once whoever holds the other end is gone; does nothing for a process on no leash."""
    number = os.environ.pop(VARIABLE, "")
    if number:
        follow(int(number), _stop)


def follow(end: int, then: Callable[[], None]) -> None:
    """Calls `then` from a thread when the other end of a pipe is closed."""

    def wait() -> None:
        while os.read(end, 1):
            continue
        then()

    threading.Thread(target=wait, name="leash", daemon=True).start()


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)  # which loses nothing that was said to be done
