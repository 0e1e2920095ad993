"""What takes the place of Java where Beam starts a job server: real processes, which are counted."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.conftest import PROJECT
from tests.flink import flink_stand_in


@dataclass(frozen=True)
class StandInJava:
    """A program in place of `java`.

    Attributes:
        launcher: The program; it starts `beam_job_server.py`.
        job_servers: The folder for the ids of its processes; the environment variable JOB_SERVERS names it.
    """

    launcher: Path
    job_servers: Path

    @property
    def engine_args(self) -> list[str]:
        """Beam's arguments with which it starts job servers so."""
        jar = self.launcher.with_name("server.jar")
        return [f"--flink_job_server_jar={jar}", f"--job_server_java_launcher={self.launcher}"]

    def started(self) -> list[int]:
        """Ids of all job servers that were started."""
        return [int(path.name) for path in self.job_servers.iterdir()]

    def running(self) -> list[int]:
        """Ids of those that run."""
        return [pid for pid in self.started() if psutil.pid_exists(pid)]

    def left(self) -> list[int]:
        """Ids of those that still run; an ended one may take a moment to be gone."""
        processes = [psutil.Process(pid) for pid in self.running()]
        _, alive = psutil.wait_procs(processes, timeout=10)
        return [process.pid for process in alive]


def stand_in_java(folder: Path) -> StandInJava:
    """Writes the program into a folder."""
    java = StandInJava(folder / "java", folder / "job_servers")
    java.job_servers.mkdir()
    java.launcher.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" "{PROJECT}/tests/beam_job_server.py" "$@"\n'
    )
    java.launcher.chmod(0o755)
    (folder / "server.jar").touch()
    return java


@contextlib.contextmanager
def fitting_flink() -> Iterator[str]:
    """Answers as a Flink that has all that a run needs; its jobs go to the stand-in's job server."""
    with flink_stand_in() as flink:
        flink.configure({"taskmanager.network.sort-shuffle.min-buffers": 16})
        yield flink.address
