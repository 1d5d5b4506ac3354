"""The engine on `dbos`: runs go on where they were when the process was killed.

One durable engine a process (dbos has one). What it remembers of its steps is in the ledger's PostgreSQL database, or
in `workflows.sqlite` beside a ledger that is a file: there two writers of one file would wait for each other.

A process recovers the runs of its own name only. The listener has a fixed name, and a lock that lets one be at it;
every other process has a name of its own, and what it leaves when it is killed is taken over when its lease ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dbos import DBOS, SetWorkflowID
from sqlalchemy.engine import make_url

from sakimori.respond.engine import Engine
from sakimori.respond.errors import Busy, Passing

THREADS = 8
"""Runs that a process works at at once."""

STEP_TRIES, FIRST_PAUSE, BACK_OFF = 8, 1.0, 2.0
"""How often a step is tried whose trouble may pass, after pauses of 1, 2, 4 ... seconds; then the run is given up."""

_VERSION = "sakimori-respond-1"
"""The version of the steps: runs that an older one left are recovered while this is the same."""

_here: dict[str, Engine] = {}


class _Steps:
    """Steps as dbos remembers them."""

    def __init__(self, tries: int, first_pause: float) -> None:
        self._tries, self._first_pause = tries, first_pause

    def step(self, name: str, do: Callable[[], str]) -> str:
        """See Durable."""
        options: Any = {
            "name": name,
            "retries_allowed": self._tries > 1,
            "max_attempts": self._tries,
            "interval_seconds": self._first_pause,
            "backoff_rate": BACK_OFF,
            "should_retry": lambda error: isinstance(error, Passing),
        }
        return str(DBOS.run_step(options, do))


_steps = _Steps(STEP_TRIES, FIRST_PAUSE)


@DBOS.workflow(name="sakimori-respond")
def _respond(run: str) -> str:
    engine = _here["engine"]
    try:
        return engine.carry(run, _steps)
    except Busy:
        return "busy"
    except Exception as error:  # whatever it was, the run must not be left as if somebody were at it
        engine.gave_up(run, _last(error))
        return "failed"


def _last(error: Exception) -> BaseException:
    """What a step met at its last try."""
    tried = getattr(error, "errors", None)
    return tried[-1] if isinstance(tried, list) and tried else error


LOOK_EVERY = 0.05
"""Seconds between two looks at a run that is waited for."""


class DurableEngine:
    """An engine with its durable runs. Use it in a `with`."""

    def __init__(
        self,
        engine: Engine,
        place: str | Path,
        *,
        threads: int = THREADS,
        tries: int = STEP_TRIES,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        global _steps
        self.engine = engine
        self._url, self._threads = memory_url(place), threads
        _steps = _Steps(tries, first_pause)

    def __enter__(self) -> DurableEngine:
        logging.getLogger("dbos").setLevel(logging.ERROR)
        _here["engine"] = self.engine
        self.engine.start = self.start
        # SQLite's writers find each other by asking again and again: with one connection they queue.
        engine: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if self._url.startswith("sqlite") else {}
        DBOS(
            config={
                "name": "sakimori",
                "system_database_url": self._url,
                "application_version": _VERSION,
                "executor_id": self.engine.owner,
                "max_executor_threads": self._threads,
                "log_level": "ERROR",
                "console_log_level": "ERROR",
                "enable_otlp": False,
                "db_engine_kwargs": engine,
            }
        )
        DBOS.launch()
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.start = None
        DBOS.destroy()
        _here.clear()

    def start(self, run: str, attempt: int) -> None:
        """Starts an attempt of a run in the background. Started before, it is not started again."""
        with SetWorkflowID(f"{run}:{attempt}"):
            DBOS.start_workflow(_respond, run)

    def wait(self, run: str, attempt: int) -> str:
        """Waits for an attempt that was started; gives what came of it."""
        return str(DBOS.retrieve_workflow(f"{run}:{attempt}").get_result(polling_interval_sec=LOOK_EVERY))

    def sweep(self) -> int:
        """Takes up the runs that were begun and that nobody is at; gives their number."""
        taken = 0
        for run, attempt in self.engine.book.unfinished(self.engine.owner):
            known = DBOS.get_workflow_status(f"{run}:{attempt}")
            if known is None:
                self.start(run, attempt)
            elif known.status in ("PENDING", "ENQUEUED") and known.executor_id == self.engine.owner:
                continue
            else:
                self.start(run, self.engine.book.take_over(run, self.engine.owner))
            taken += 1
        return taken


def memory_url(place: str | Path) -> str:
    """Where dbos keeps what it remembers, for a ledger at this place."""
    if isinstance(place, Path) or "://" not in place:
        return f"sqlite:///{Path(place).absolute().with_name('workflows.sqlite')}"
    url = make_url(place)
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{Path(url.database or 'ledger').absolute().with_name('workflows.sqlite')}"
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
