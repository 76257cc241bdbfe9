"""Make the next batch while PostgreSQL takes the current one: two cores instead of one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
AHEAD = 2


def prefetched(items: Iterable[T]) -> Iterator[T]:
    """The same items, made in another thread, at most `AHEAD` of them in advance.

    Arrow kernels and the wait for the server both let go of the interpreter, so they overlap. An
    error of the source comes out where its item would have.
    """
    source = iter(items)
    end = object()
    pending: deque[Future[T | object]] = deque()
    with ThreadPoolExecutor(max_workers=1) as maker:
        for _ in range(AHEAD):
            pending.append(maker.submit(next, source, end))
        while (item := pending.popleft().result()) is not end:
            pending.append(maker.submit(next, source, end))
            yield item  # type: ignore[misc]
