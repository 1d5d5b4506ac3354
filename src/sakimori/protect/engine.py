"""The engine of tasks: starts what is due, does what can be done here, puts back what was left lying.

Everything that it must know is in the ledger. It may be killed at any moment: whoever comes next finds the leases, and
each job ends as done or as failed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from sakimori.protect import agent_states, discovered, gaps, jobs, ongoing, outcomes, reports
from sakimori.protect.errors import ProtectError
from sakimori.protect.jobs import Entry
from sakimori.protect.work import Job, JobFailed, Outcome, Performer, Reader, Rules
from sakimori.store.database import LedgerError, reading, writing

if TYPE_CHECKING:
    from sakimori.protect.manager import Manager

LEASE_MS = 30_000
"""How long a job that is done here may go without a sign of life."""

AGENT_LEASE_MS = 600_000
"""The same for an agent, which says with each heart-beat what it is at."""

IDLE_SECONDS = 1.0
ONGOING_SECONDS = 60.0

GAPS_SECONDS = 300.0
"""How often computers are looked at for what they do not enforce; the first time, once agents had time to report."""

log = logging.getLogger("sakimori.protect")


class Engine:
    """Runs in a thread of its own until it is stopped."""

    def __init__(
        self, manager: Manager, performers: Mapping[str, Performer], readers: Mapping[str, Reader], *, lease_ms: int
    ) -> None:
        self._manager = manager
        self._performers = performers
        self._own: Mapping[str, Callable[[Entry], Outcome]] = {
            "synchronize-cloud-account": self._synchronised_now,
            "generate-report": self._reported,
        }
        self._readers = readers
        self._lease = lease_ms
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="protect tasks", daemon=True)
        self._next_ongoing = 0.0
        self._synchronised: tuple[int, str] = (0, "")
        self._gaps_due = time.monotonic() + GAPS_SECONDS
        self.waiting: Mapping[tuple[int, int], list[int]] = {}
        """(tenant, computer) -> the jobs that wait for its agent, as of a moment ago."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._manager.tasks.wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=30)

    def _run(self) -> None:
        with reading(self._manager.engine) as connection:
            self._manager.tasks.find_over(connection)
        while not self._stopping.is_set():
            try:
                self.step()
            except LedgerError as error:  # a ledger that is busy or away now is tried again
                log.error("tasks: %s", error)
                self._stopping.wait(5)
            except Exception:  # whatever it was, other tasks must not stop for it
                log.exception("tasks: this round failed; the next is tried in 5 seconds")
                self._stopping.wait(5)
            self._manager.tasks.wake.wait(IDLE_SECONDS)
            self._manager.tasks.wake.clear()

    def step(self) -> None:
        """One round: write heart-beats, recover, start what is due, do what can be done here."""
        self._write_beats()
        self._synchronise()
        self._report_gaps()
        tasks = self._manager.tasks
        with reading(self._manager.engine) as connection:
            lost, due = jobs.needs_recovery(connection), tasks.due(connection)
        if lost or due:
            with writing(self._manager.engine) as connection:
                jobs.recover(connection)
                tasks.fire(connection, due)
        self._queue_ongoing()
        with reading(self._manager.engine) as connection:
            waiting, here, hopeless = self._sorted(connection)
        for id in here:
            if self._stopping.is_set():
                return
            self.perform(id)
        if hopeless or tasks.over:
            with writing(self._manager.engine) as connection:
                for id, message in hopeless:
                    jobs.finish(connection, id, failed=True, message=message, result={})
                tasks.delete_over(connection)
        self.waiting = waiting

    def _write_beats(self) -> None:
        self._manager.usage.flush(self._manager.engine)
        with self._manager.beats.taken() as beats:
            if beats:
                with writing(self._manager.engine) as connection:
                    agent_states.write(connection, beats)

    def _report_gaps(self) -> None:
        """Computers that do not enforce what their policy says are findings, from time to time."""
        if time.monotonic() < self._gaps_due:
            return
        self._gaps_due = time.monotonic() + GAPS_SECONDS
        manager = self._manager
        gaps.report(manager.engine, manager.policies, manager.beats, manager.heartbeat_seconds)

    def _queue_ongoing(self) -> None:
        """Every minute, scans that policies ask for."""
        if time.monotonic() < self._next_ongoing:
            return
        self._next_ongoing = time.monotonic() + ONGOING_SECONDS
        with writing(self._manager.engine) as connection:
            ongoing.queue_due(connection, self._manager.policies)

    def _synchronise(self) -> None:
        """Computers follow discovery."""
        with reading(self._manager.engine) as connection:
            newest = discovered.newest_run(connection)
        if newest[1] and newest != self._synchronised:
            discovered.synchronise(self._manager.engine, self._manager.tasks)
            self._synchronised = newest

    def _sorted(
        self, connection: Connection
    ) -> tuple[dict[tuple[int, int], list[int]], list[int], list[tuple[int, str]]]:
        """What waits: for agents, to be done here, and what nobody will ever do."""
        queued = jobs.queued(connection)
        by_tenant: dict[int, set[int]] = {}
        for _, tenant, computer, _ in queued:
            by_tenant.setdefault(tenant, set()).add(computer)
        agents = {
            tenant: agent_states.states(connection, tenant, computers, self._manager.beats)
            for tenant, computers in by_tenant.items()
        }
        waiting: dict[tuple[int, int], list[int]] = {}
        here: list[int] = []
        hopeless: list[tuple[int, str]] = []
        for id, tenant, computer, type in queued:
            agent = agents[tenant].get(computer)
            if agent is not None and (agent.is_alive(self._manager.heartbeat_seconds) or type == "send-policy"):
                waiting.setdefault((tenant, computer), []).append(id)
            elif type in self._performers or type in self._own:
                here.append(id)
            elif agent is not None:
                waiting.setdefault((tenant, computer), []).append(id)
            else:
                hopeless.append((id, _nobody(computer, type)))
        return waiting, here, hopeless

    def perform(self, id: int) -> None:
        """Does a job here."""
        with writing(self._manager.engine) as connection:
            entry = jobs.take(connection, id, lease=self._lease)
        if entry is None:
            return
        try:
            with self._renewing(id):
                own = self._own.get(entry.type)
                outcome = own(entry) if own is not None else self._performed(entry)
        except (JobFailed, ProtectError) as error:
            self.end(entry, None, str(error))
        except LedgerError:
            raise  # the lease ends, and the job is tried again
        except Exception as error:  # a performer's own fault ends its job, never the engine
            log.exception("job %s (%s) failed", entry.id, entry.type)
            self.end(entry, None, f"{type(error).__name__}: {error}")
        else:
            self.end(entry, outcome, outcome.message)

    def _performed(self, entry: Entry) -> Outcome:
        with reading(self._manager.engine) as connection:
            rules = self._manager.catalogue.rules(connection, entry.tenant)
            job = outcomes.job(connection, entry, self._manager.policies, rules)
        return self._performers[entry.type](job, rules)

    def _reported(self, entry: Entry) -> Outcome:
        with writing(self._manager.engine) as connection:
            return Outcome(message=reports.write(self._manager, connection, entry.tenant, entry.id, entry.parameters))

    def _synchronised_now(self, _entry: Entry) -> Outcome:
        count = discovered.synchronise(self._manager.engine, self._manager.tasks)
        return Outcome(message=", ".join(f"{number} {word}" for word, number in count.items()))

    def answered(self, entry: Entry, answer: Mapping[str, Any]) -> None:
        """Takes what an agent answered to a job."""
        if answer.get("state") == "failed":
            self.end(entry, None, str(answer.get("message") or "the agent could not do it and did not say why"))
            return
        try:
            with reading(self._manager.engine) as connection:
                rules = self._manager.catalogue.rules(connection, entry.tenant)
                job = outcomes.job(connection, entry, self._manager.policies, rules)
            outcome = self._read(entry, job, answer, rules)
        except JobFailed as error:
            self.end(entry, None, str(error))
        except LedgerError:
            raise  # the agent may answer again
        except Exception as error:  # an answer that no reader foresaw ends its job, with the reason
            log.exception("the answer to job %s (%s) cannot be read", entry.id, entry.type)
            self.end(entry, None, f"the agent's answer cannot be read: {type(error).__name__}: {error}")
        else:
            self.end(entry, outcome, outcome.message or str(answer.get("message") or ""))

    def _read(self, entry: Entry, job: Job, answer: Mapping[str, Any], rules: Rules) -> Outcome:
        reader = self._readers.get(entry.type)
        if reader is not None:
            return reader(job, answer, rules)
        host = answer.get("host")
        events = tuple(each for each in answer.get("events") or () if isinstance(each, Mapping))
        return Outcome(events=events, host=host if isinstance(host, Mapping) else None)

    def end(self, entry: Entry, outcome: Outcome | None, message: str) -> None:
        """Ends a job and stores what came of it, both or neither."""
        with writing(self._manager.engine) as connection:
            result = {"events": len(outcome.events)} if outcome is not None else {}
            if not jobs.finish(connection, entry.id, failed=outcome is None, message=message, result=result):
                return
            if outcome is not None and outcomes.keep(connection, entry, outcome, self._manager.policies):
                self._manager.tasks.send_policy(connection, entry.tenant, [entry.computer])
            self._manager.tasks.delete_over(connection)
        self._manager.tasks.wake.set()

    @contextmanager
    def _renewing(self, id: int) -> Iterator[None]:
        """Keeps a job's lease alive while it is being done."""
        done = threading.Event()

        def renew() -> None:
            while not done.wait(self._lease / 3_000):
                with writing(self._manager.engine) as connection:
                    jobs.renew(connection, [id], lease=self._lease)

        thread = threading.Thread(target=renew, name="protect lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def _nobody(computer: int, type: str) -> str:
    if computer:
        return f"computer {computer} has no agent to do it, and nothing can be done here: install an agent"
    return f"this manager does not do {type}"
