"""Work on several threads of a worker: reading files and decoding release the interpreter's lock."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

MOST_THREADS = 4
"""What is not decoding holds the lock, so more threads gain little. Each keeps a decoded photo in memory."""


def map_on_threads(
    function: Callable[[T], R], items: Iterable[T], threads: int = min(MOST_THREADS, os.cpu_count() or 1)
) -> Iterator[R]:
    """Yields the function's results in the items' order, and computes a few of them ahead."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[R]] = deque()
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
