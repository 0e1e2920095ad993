"""Work on several threads of a worker: reading files and decoding release the interpreter's lock."""

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import apache_beam as beam

MOST_THREADS = 4
"""What is not decoding holds the lock, so more threads gain little. Each keeps a decoded photo in memory."""

THREADS = min(MOST_THREADS, os.cpu_count() or 1)


class OnThreads(beam.DoFn):
    """Calls a function for each element, several at once, and outputs nothing.

    The threads go on from one element to the next, so elements may take differently long. A bundle ends when
    all of its elements are done.
    """

    def __init__(self, function: Callable[[Any], None]):
        """Takes the function, which Beam pickles."""
        super().__init__()
        self._function = function

    def start_bundle(self) -> None:
        """Starts the threads."""
        self._pool = ThreadPoolExecutor(THREADS)
        self._running: deque[Future[None]] = deque()

    def process(self, element: Any) -> None:
        """Hands an element to the threads. It waits for the oldest where many wait already."""
        self._running.append(self._pool.submit(self._function, element))
        if len(self._running) > 2 * THREADS:
            self._wait_for_oldest()

    def finish_bundle(self) -> None:
        """Waits for what still runs."""
        while self._running:
            self._wait_for_oldest()
        self._pool.shutdown()

    def _wait_for_oldest(self) -> None:
        try:
            self._running.popleft().result()
        except BaseException:
            self._pool.shutdown(cancel_futures=True)
            raise
