"""Workers of Beam's portable engines on loopback: they know the pipeline's process by gRPC only."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.conftest import PROJECT
from tests.ports import listening_port


@contextlib.contextmanager
def worker_pool(folder: Path, *, has_project: bool) -> Iterator[str]:
    """A pool of workers; yields its host:port.

    Args:
        folder: Empty; the workers' home.
        has_project: Whether they can import this project; else they have its dependencies only.
    """
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", "--service_port=0"]
    if not has_project:
        boot = folder / "boot"
        boot.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROJECT}/tests/beam_boot.py" "$@"\n')
        boot.chmod(0o755)
        command.append(f"--container_executable={boot}")
    # The pool starts `python`.
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(PROJECT) if has_project else ""}
    with (folder / "log").open("w") as log:
        pool = psutil.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        port = listening_port(pool)
        yield f"localhost:{port}"
    finally:
        pool.terminate()
        pool.wait(timeout=30)
