"""Workers of Beam's portable engines on loopback: they know the pipeline's process by gRPC only."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import PROJECT
from tests.database_servers import free_port


@contextlib.contextmanager
def worker_pool(folder: Path, *, has_project: bool) -> Iterator[str]:
    """A pool of workers; yields its host:port.

    Args:
        folder: Empty; the workers' home.
        has_project: Whether they can import this project; else they have its dependencies only.
    """
    port = free_port()
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    if not has_project:
        boot = folder / "boot"
        boot.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROJECT}/tests/beam_boot.py" "$@"\n')
        boot.chmod(0o755)
        command.append(f"--container_executable={boot}")
    # The pool starts `python`.
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(PROJECT) if has_project else ""}
    with (folder / "log").open("w") as log:
        pool = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert pool.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.5)
        yield f"localhost:{port}"
    finally:
        pool.terminate()
        pool.wait(timeout=30)
