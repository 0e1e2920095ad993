"""Beam's own job service and workers on loopback: they know the pipeline's process by gRPC only."""

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from tests.conftest import PROJECT
from tests.ports import LOOPBACK, SECONDS_TO_START, listening_port


@contextlib.contextmanager
def worker_pool(
    folder: Path,
    *,
    has_project: bool,
    boots: bool = True,
    path: str | None = None,
    before: Sequence[str] = (),
    inside: Sequence[str] = (),
) -> Iterator[str]:
    """A pool of workers; yields its host:port.

    Args:
        folder: Empty; the workers' home.
        has_project: Whether they can import this project; else they have its dependencies only.
        boots: Whether workers without the project install what is shipped to them.
        path: Their PATH; None: that of this process with its Python first.
        before: Folders that they import from before all others.
        inside: Command that starts the pool's command.
    """
    command = [
        *inside, sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", "--service_port=0"
    ]  # fmt: skip
    if not has_project and boots:
        boot = folder / "boot"
        boot.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROJECT}/tests/beam_boot.py" "$@"\n')
        boot.chmod(0o755)
        command.append(f"--container_executable={boot}")
    if path is None:
        # The pool starts `python`.
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    imported = os.pathsep.join([*before, *([str(PROJECT)] if has_project else [])])
    environment = os.environ | {"PATH": path, "PYTHONPATH": imported}
    with (folder / "log").open("w") as log:
        pool = psutil.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        port = listening_port(pool)
        yield f"localhost:{port}"
    finally:
        end(pool)


def end(process: psutil.Popen) -> None:
    """Ends a process, unless a test has."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
    process.wait(timeout=30)


def server_on(address: str) -> psutil.Process:
    """The pool or job service of this process that listens at a host:port."""
    port = int(address.rpartition(":")[2])
    for child in psutil.Process().children():
        if any(connection.laddr.port == port for connection in child.net_connections("inet")):
            return child
    raise AssertionError(f"no child listens on {port}")


def first_workers(pool: str) -> list[psutil.Process]:
    """Waits until a pool has started workers."""
    server = server_on(pool)
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if workers := server.children(recursive=True):
            return workers
        time.sleep(0.05)
    raise AssertionError(f"{pool} has started no worker")


@contextlib.contextmanager
def job_service(folder: Path) -> Iterator[str]:
    """Beam's job server in Python, which has one worker, whatever is asked; yields its host:port.

    Args:
        folder: Empty; it stages its files there.
    """
    command = [sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main", "--port=0"]
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with (folder / "log").open("w") as log:
        server = psutil.Popen(
            [*command, f"--staging_dir={folder}"], cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        yield f"{LOOPBACK}:{listening_port(server)}"
    finally:
        end(server)
