"""Keeps the output of TensorFlow, Beam and absl out of the terminal: it goes to the run's log file."""

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


STDOUT, STDERR = 1, 2
"""File descriptors."""


@contextlib.contextmanager
def redirect_output(log: Path, terminal: int = STDOUT) -> Iterator[TextIO]:
    """Redirects what this process and its children write to stdout and stderr into a file.

    It redirects the file descriptors themselves, because C++ code and child processes do not use sys.stdout.

    Args:
        log: The file, appended to.
        terminal: File descriptor on which progress is shown meanwhile.

    Yields:
        A stream to what that descriptor was.
    """
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    sys.stdout.flush()
    sys.stderr.flush()
    saved = {descriptor: os.dup(descriptor) for descriptor in (STDOUT, STDERR)}
    with open(log, "ab", buffering=0) as file, os.fdopen(os.dup(terminal), "w", encoding="utf-8") as shown:
        os.dup2(file.fileno(), STDOUT)
        os.dup2(file.fileno(), STDERR)
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root = logging.getLogger()
        root.addHandler(handler)
        try:
            yield shown
        finally:
            root.removeHandler(handler)
            # The last lines of a log are lost on a full disk; what the run says on the terminal is not.
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            for descriptor, copy in saved.items():
                os.dup2(copy, descriptor)
                os.close(copy)


@contextlib.contextmanager
def discard_output(terminal: int = STDOUT) -> Iterator[TextIO]:
    """Discards what this process and its children write to stdout and stderr; exceptions pass through.

    Args:
        terminal: File descriptor on which progress is shown meanwhile.

    Yields:
        A stream to what that descriptor was.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        redirect_output(Path(folder) / "output.log", terminal) as shown,
    ):
        yield shown
