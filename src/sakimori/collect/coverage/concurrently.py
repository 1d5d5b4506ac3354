"""Reading many objects at once with a bounded number under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Workers:
    """A pool of threads; a context manager. At most four items per thread are under way, so memory does not grow with
    the number of items. With one worker everything runs in the caller's thread."""

    def __init__(self, count: int) -> None:
        self._count = max(count, 1)
        self._pool = ThreadPoolExecutor(self._count, "coverage") if self._count > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=kind is not None)

    def map(self, work: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Each item with `work(item)`, in the items' order; an error of `work` is raised at its item's turn."""
        if self._pool is None:
            yield from ((item, work(item)) for item in items)
            return
        waiting: deque[tuple[Item, Future[Answer]]] = deque()
        for item in items:
            waiting.append((item, self._pool.submit(work, item)))
            if len(waiting) >= 4 * self._count:
                done, future = waiting.popleft()
                yield done, future.result()
        while waiting:
            done, future = waiting.popleft()
            yield done, future.result()
