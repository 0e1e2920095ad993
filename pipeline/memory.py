"""Peak memory of a process and its children."""

import ctypes
import gc
import threading

import psutil

SECONDS_BETWEEN_SAMPLES = 0.5


class PeakMemory:
    """Samples the resident memory of this process and all its children while the context lasts.

    Attributes:
        megabytes: The highest sum seen, in MB (10**6 bytes).
    """

    def __init__(self) -> None:
        self.megabytes = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        process = psutil.Process()
        while True:
            self.megabytes = max(self.megabytes, resident_bytes(process) / 1e6)
            if self._stop.wait(SECONDS_BETWEEN_SAMPLES):
                return


def resident_bytes(process: psutil.Process) -> int:
    """Resident memory of a process and all its children, in bytes; those that just ended count nothing.

    Pages that several processes share, such as TensorFlow's library, count once (proportional set size).
    """
    total = 0
    try:
        for member in [process, *process.children(recursive=True)]:
            total += member.memory_full_info().pss
    except psutil.NoSuchProcess:
        return total
    return total


def release_free_memory() -> None:
    """Gives what was freed back to the system: glibc keeps it, and a node's child processes come on top."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
