"""Flink on loopback: a stand-in for its REST API with recorded answers, and a real cluster."""

import contextlib
import copy
import json
import os
import shutil
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.ports import LOOPBACK, SECONDS_TO_START, reserve_port

RECORDED = {
    "/overview": {
        "taskmanagers": 1, "slots-total": 2, "slots-available": 2, "jobs-running": 0, "jobs-finished": 0,
        "jobs-cancelled": 0, "jobs-failed": 0, "flink-version": "1.19.3", "flink-commit": "4105f8d",
    },
    "/config": {
        "refresh-interval": 3000, "timezone-name": "Coordinated Universal Time", "timezone-offset": 0,
        "flink-version": "1.19.3", "flink-revision": "4105f8d @ 2025-06-12T18:34:28+02:00",
        "features": {"web-submit": True, "web-cancel": True, "web-rescale": False, "web-history": False},
    },
    "/jobmanager/config": [
        {"key": "taskmanager.memory.process.size", "value": "900m"},
        {"key": "jobmanager.rpc.address", "value": "localhost"},
        {"key": "jobmanager.memory.process.size", "value": "800m"},
        {"key": "rest.bind-address", "value": "localhost"},
        {"key": "taskmanager.memory.managed.size", "value": "32m"},
        {"key": "taskmanager.numberOfTaskSlots", "value": "2"},
    ],
    "/taskmanagers": {
        "taskmanagers": [
            {
                "id": "localhost:46591-b2eb25",
                "path": "pekko.tcp://flink@localhost:46591/user/rpc/taskmanager_0", "dataPort": 35477,
                "jmxPort": -1, "timeSinceLastHeartbeat": 0, "slotsNumber": 2, "freeSlots": 2,
                "totalResource": {
                    "cpuCores": 2.0, "taskHeapMemory": 100, "taskOffHeapMemory": 0, "managedMemory": 32,
                    "networkMemory": 64, "extendedResources": {},
                },
                "memoryConfiguration": {
                    "frameworkHeap": 134217728, "taskHeap": 104857600, "frameworkOffHeap": 134217728,
                    "taskOffHeap": 0, "networkMemory": 67108864, "managedMemory": 33554432,
                    "jvmMetaspace": 268435456, "jvmOverhead": 201326592, "totalFlinkMemory": 473956352,
                    "totalProcessMemory": 943718400,
                },
            }
        ]
    },
}  # fmt: skip
"""What a standalone Flink 1.19.3 (apache-flink-libraries) with one TaskManager answered, without what no
check reads: some settings of ports and folders, and a TaskManager's `freeResource` and `hardware`."""


class FlinkAnswers:
    """Answers of the stand-in, by path; a test may change them.

    Attributes:
        address: Its host:port.
        answers: JSON by path; text is sent as it is.
        patched: Paths that were patched.
    """

    def __init__(self, address: str):
        self.address = address
        self.answers = copy.deepcopy(RECORDED)
        self.patched: list[str] = []

    def configure(self, settings: dict[str, object]) -> None:
        """Adds entries to the JobManager's configuration."""
        entries = self.answers["/jobmanager/config"]
        entries.extend({"key": key, "value": str(value)} for key, value in settings.items())


@contextlib.contextmanager
def flink_stand_in() -> Iterator[FlinkAnswers]:
    """A server with recorded answers of Flink's REST API."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = state.answers.get(self.path)
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write((found if isinstance(found, str) else json.dumps(found)).encode())

        def do_PATCH(self):
            state.patched.append(self.path)
            self.send_response(202)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *arguments):
            """Writes nothing on the test's screen."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    state = FlinkAnswers(f"{LOOPBACK}:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


OPENED = [
    "--add-exports=java.base/sun.net.util=ALL-UNNAMED",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in (
            "java.lang", "java.net", "java.io", "java.nio", "java.lang.reflect", "java.text", "java.time",
            "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks",
        )
    ),
]  # fmt: skip
"""What Flink needs to be opened of Java 17, as its start scripts do."""


@contextlib.contextmanager
def flink_cluster(folder: Path, settings: dict[str, object]) -> Iterator[str]:
    """A JobManager and a TaskManager with two slots; yields the host:port of the REST API.

    Skips where there is no Java, or no Flink: FLINK_HOME names its folder, DIR/pyflink after
    `pip install --no-deps --target DIR apache-flink-libraries==1.19.3`.

    Args:
        folder: Empty; for configuration and logs.
        settings: Flink's, added to those of a small cluster.
    """
    home = _flink_home()
    rest, rpc = reserve_port(), reserve_port()
    configuration = {
        "jobmanager.rpc.address": LOOPBACK, "jobmanager.rpc.port": rpc, "jobmanager.bind-host": LOOPBACK,
        "rest.address": LOOPBACK, "rest.bind-address": LOOPBACK, "rest.port": rest,
        "taskmanager.host": LOOPBACK, "taskmanager.bind-host": LOOPBACK,
        "taskmanager.numberOfTaskSlots": 2, "taskmanager.memory.process.size": "900m",
        "taskmanager.memory.managed.size": "32m", "jobmanager.memory.process.size": "800m",
        "io.tmp.dirs": folder,
    }  # fmt: skip
    lines = "".join(f"{key}: {value}\n" for key, value in (configuration | settings).items())
    (folder / "flink-conf.yaml").write_text(lines)
    classes = os.pathsep.join(map(str, sorted((home / "lib").glob("*.jar"))))
    runtime = "org.apache.flink.runtime"
    jvm, resources = _task_manager_arguments(home, classes, folder)
    programs = [
        [f"{runtime}.entrypoint.StandaloneSessionClusterEntrypoint", "--configDir", str(folder)],
        [f"{runtime}.taskexecutor.TaskManagerRunner", "--configDir", str(folder), *resources],
    ]
    with contextlib.ExitStack() as stack:
        for program, options in zip(programs, (["-Xmx256m"], jvm), strict=True):
            log = stack.enter_context((folder / f"{program[0].rpartition('.')[2]}.log").open("w"))
            process = subprocess.Popen(
                ["java", *options, *OPENED, "-cp", classes, *program],
                cwd=folder, env=os.environ | {"FLINK_LIB_DIR": str(home / "lib")}, stdout=log, stderr=log,
            )  # fmt: skip
            stack.callback(process.wait, 60)
            stack.callback(process.terminate)
        _wait_for_task_manager(f"http://{LOOPBACK}:{rest}/overview", folder)
        yield f"{LOOPBACK}:{rest}"


def _flink_home() -> Path:
    if shutil.which("java") is None:
        pytest.skip("Java is not installed (openjdk-17-jre-headless)")
    home = os.environ.get("FLINK_HOME")
    if not home or not list(Path(home, "lib").glob("flink-dist-*.jar")):
        pytest.skip(
            "FLINK_HOME names no Flink (pip install --target DIR apache-flink-libraries: DIR/pyflink)"
        )
    return Path(home)


def _task_manager_arguments(home: Path, classes: str, folder: Path) -> tuple[list[str], list[str]]:
    """Options of the TaskManager's JVM and of the TaskManager, as Flink's start scripts calculate them."""
    utilities = os.pathsep.join([str(home / "bin" / "bash-java-utils.jar"), classes])
    done = subprocess.run(
        [
            "java", "-cp", utilities, "org.apache.flink.runtime.util.bash.BashJavaUtils",
            "GET_TM_RESOURCE_PARAMS", "--configDir", str(folder),
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    marked = [line for line in done.stdout.splitlines() if line.startswith("BASH_JAVA_UTILS_EXEC_RESULT:")]
    jvm, resources = (line.partition(":")[2].split() for line in marked)
    return jvm, resources


def _wait_for_task_manager(url: str, folder: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if json.load(answer)["taskmanagers"]:
                return
        time.sleep(0.3)
    raise AssertionError("".join(log.read_text() for log in folder.glob("*.log")))
