"""Worker processes that each do one task at a time and do not outlive the run that started them.

Unlike `concurrent.futures`, a worker here notices when its parent is killed (its pipe closes), nothing is queued
beyond one task a worker, so memory is bounded by the number of workers, and a worker that dies is reported with the
task it died on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar, cast

Task = TypeVar("Task")
Result = TypeVar("Result")


class WorkerDied(Exception):
    """A worker process ended in the middle of `task`, for a reason it could not report (out of memory, a crash)."""

    def __init__(self, task: Any, reason: str) -> None:
        self.task = task
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class _Raised:
    """An exception on its way from a worker."""

    error: BaseException
    trace: str


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Any = None


def in_parallel(work: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Generator[tuple[Task, Result]]:
    """`work(task)` for every task, in `workers` processes, in the order in which they are finished.

    Tasks are drawn one by one as workers come free. What `work` raises is raised here, after which (as after an
    early end of the iteration) the workers are ended. With one worker everything happens in this process. On Linux
    the workers are forked and share what `work` holds; elsewhere it has to be picklable.
    """
    if workers <= 1:
        for task in tasks:
            yield task, work(task)
        return
    crew = _start(work, workers)
    try:
        yield from _distribute(crew, iter(tasks))
    finally:
        _end(crew)


def _start(work: Callable[[Any], Any], count: int) -> list[_Worker]:
    method = "fork" if sys.platform == "linux" else "spawn"
    context: Any = multiprocessing.get_context(method)  # typeshed knows no common type of contexts that has Process
    pipes = [context.Pipe() for _ in range(count)]
    crew = []
    for ours, theirs in pipes:
        # A forked child has every pipe: it closes all but its own, or it would keep its siblings' from ending.
        inherited = [end for pair in pipes for end in pair if end is not theirs]
        others = inherited if method == "fork" else []
        process = context.Process(target=_serve, args=(work, theirs, others), daemon=True)
        process.start()
        crew.append(_Worker(process, ours))
    for _, theirs in pipes:
        theirs.close()
    return crew


def _serve(work: Callable[[Any], Any], pipe: Connection, others: list[Connection]) -> None:
    """A worker's life: take a task, answer, until the pipe closes."""
    for to_the_group in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C, a service manager: the parent decides what they mean
        signal.signal(to_the_group, signal.SIG_IGN)
    for end in others:
        end.close()
    while True:
        try:
            task = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer = work(task)
        except BaseException as error:  # it is raised in the parent
            answer = _Raised(_picklable(error), traceback.format_exc())
        try:
            pipe.send(answer)
        except OSError:  # the parent is gone
            return


def _picklable(error: BaseException) -> BaseException:
    import pickle

    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # whatever an exception's own pickling raises
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _distribute(crew: list[_Worker], tasks: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    busy: dict[Connection, _Worker] = {}
    for worker in crew:
        _give(worker, tasks, busy)
    while busy:
        for pipe in wait(list(busy)):
            worker = busy.pop(cast(Connection, pipe))
            task, answer = worker.task, _answer(worker)
            _give(worker, tasks, busy)
            yield task, answer


def _give(worker: _Worker, tasks: Iterator[Any], busy: dict[Connection, _Worker]) -> None:
    for task in tasks:
        worker.task = task
        try:
            worker.pipe.send(task)
        except OSError:
            raise _died(worker) from None
        busy[worker.pipe] = worker
        return


def _died(worker: _Worker) -> WorkerDied:
    worker.process.join()
    code = worker.process.exitcode or 0
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return WorkerDied(worker.task, f"worker process {worker.process.pid} {how}")


def _answer(worker: _Worker) -> Any:
    try:
        answer = worker.pipe.recv()
    except (EOFError, OSError):
        raise _died(worker) from None
    if isinstance(answer, _Raised):
        answer.error.add_note(f"in worker process {worker.process.pid} of {os.getpid()}:\n{answer.trace}")
        raise answer.error
    return answer


def _end(crew: list[_Worker]) -> None:
    """Idle workers leave when their pipe closes; one that is in the middle of something is stopped there."""
    for worker in crew:
        worker.pipe.close()
    for worker in crew:
        worker.process.join(0.2)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
