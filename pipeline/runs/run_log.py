"""Keeps the chatter of TensorFlow, Beam and absl out of the terminal: it goes to the run's log file."""

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

QUIET_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore", "GRPC_VERBOSITY": "ERROR"}
"""Must be set before TensorFlow is imported, in this process and in Beam's workers."""


@contextlib.contextmanager
def chatter_to(log: Path) -> Iterator[TextIO]:
    """Sends everything that this process and its children write to stdout and stderr into a file.

    The file descriptors themselves are turned: C++ code and child processes do not ask sys.stdout.

    Args:
        log: The file, appended to.

    Yields:
        The terminal (or what stdout was), for the run's own progress.
    """
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    with open(log, "ab", buffering=0) as file, os.fdopen(os.dup(1), "w", encoding="utf-8") as terminal:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root = logging.getLogger()
        root.addHandler(handler)
        try:
            yield terminal
        finally:
            root.removeHandler(handler)
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, copy in enumerate(saved, start=1):
                os.dup2(copy, descriptor)
                os.close(copy)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Drops what this process and its children write to stdout and stderr meanwhile; errors are raised."""
    with tempfile.TemporaryDirectory() as folder, chatter_to(Path(folder) / "chatter.log"):
        yield
