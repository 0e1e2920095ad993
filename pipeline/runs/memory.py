"""Peak memory of a process and its children."""

import contextlib
import ctypes
import gc
import threading
from collections.abc import Callable

import psutil

SECONDS_BETWEEN_SAMPLES = 0.5
NOTEWORTHY_RISE = 1.01


class PeakMemory:
    """Measures the memory of a process and all its children while the context lasts.

    Attributes:
        megabytes: The highest sum seen, in MB (10**6 bytes). Pages that the processes share, such as
            TensorFlow's library, count once (proportional set size).
    """

    def __init__(self, pid: int | None = None) -> None:
        """Measures this process, or the one with the given id."""
        self.megabytes = 0.0
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._lock = threading.Lock()
        self._lap = 0.0
        self._lap_resident = 0.0

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def lap(self) -> float:
        """Returns the peak in MB since the last lap or the start, and starts a new lap."""
        self._measure()
        with self._lock:
            peak = self._lap
            self._lap = self._lap_resident = 0.0
        return peak

    def _sample(self) -> None:
        while True:
            self._measure()
            if self._stop.wait(SECONDS_BETWEEN_SAMPLES):
                return

    def _measure(self) -> None:
        # Reading the proportional set size is slow, so it is read only when the resident size reaches a new
        # peak.
        with self._lock:
            resident = self._sum(lambda member: member.memory_info().rss)
            if resident > self._lap_resident * NOTEWORTHY_RISE:
                self._lap_resident = resident
                shared_once = self._sum(lambda member: member.memory_full_info().pss) / 1e6
                self._lap = max(self._lap, shared_once)
                self.megabytes = max(self.megabytes, shared_once)

    def _sum(self, size: Callable[[psutil.Process], int]) -> int:
        total = 0
        for member in self._members():
            # A process may end between being listed and being measured; the others still count.
            with contextlib.suppress(psutil.NoSuchProcess):
                total += size(member)
        return total

    def _members(self) -> list[psutil.Process]:
        try:
            return [self._process, *self._process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []


def release_free_memory() -> None:
    """Returns freed memory to the system, which glibc would keep while the next node needs it."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
