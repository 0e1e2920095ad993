"""The lock of an output folder: one run, or one cleaning, at a time."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from petseg.errors import UserError


@contextlib.contextmanager
def only_user(output: Path) -> Iterator[None]:
    """Locks an output folder. The operating system releases the lock when its process ends, even if killed.

    Raises:
        UserError: A run or a cleaning has the lock.
    """
    lock = FileLock(output / ".lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise UserError(
            f"another run is using {output}; wait until it ends or give another --output"
        ) from None
    with lock:
        yield
