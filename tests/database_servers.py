"""Real database servers on loopback, started by a test in a folder of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import reserve_port

PASSWORD = "pass@word/1"
QUOTED_PASSWORD = "pass%40word%2F1"


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server with an empty database; yields its URL."""
    programs = _programs("PostgreSQL's server", "initdb", "postgres")
    port = reserve_port()
    with _server_folder() as folder:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        data = folder / "data"
        _as_nobody(
            folder, programs["initdb"], "-D", data, "-U", "petseg", "-A", "scram-sha-256", "--pwfile", secret
        )
        server = _start(
            folder, programs["postgres"], "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1",
            "-c", "unix_socket_directories=", "-c", "fsync=off",
        )  # fmt: skip
        with _running(server, port, folder):
            yield f"postgresql://petseg:{QUOTED_PASSWORD}@127.0.0.1:{port}/metadata"


@contextlib.contextmanager
def mariadb() -> Iterator[str]:
    """A MariaDB server with an empty database; yields its URL."""
    programs = _programs("MariaDB's server", "mariadb-install-db", "mariadbd", "mariadb")
    port = reserve_port()
    with _server_folder() as folder:
        data = folder / "data"
        _as_nobody(
            folder, programs["mariadb-install-db"], "--no-defaults", f"--datadir={data}",
            "--auth-root-authentication-method=normal", "--skip-test-db",
        )  # fmt: skip
        sign_in = folder / "init.sql"
        # A statement a line.
        sign_in.write_text(
            "CREATE USER petseg@'127.0.0.1' IDENTIFIED VIA mysql_native_password "
            f"USING PASSWORD('{PASSWORD}');\n"
            "GRANT ALL ON *.* TO petseg@'127.0.0.1';\n"
        )
        server = _start(
            folder, programs["mariadbd"], "--no-defaults", f"--datadir={data}", f"--port={port}",
            "--bind-address=127.0.0.1", f"--socket={folder}/socket", f"--init-file={sign_in}",
            "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0",
        )  # fmt: skip
        with _running(server, port, folder):
            yield f"mysql://petseg:{QUOTED_PASSWORD}@127.0.0.1:{port}/metadata"


def _programs(what: str, *names: str) -> dict[str, str]:
    debian = ["/usr/sbin", *map(str, Path("/usr/lib/postgresql").glob("*/bin"))]
    places = os.pathsep.join([os.environ["PATH"], *debian])
    found = {name: shutil.which(name, path=places) for name in names}
    missing = [name for name, place in found.items() if place is None]
    if missing:
        pytest.skip(f"{what} is not installed: no {missing[0]}")
    return {name: str(place) for name, place in found.items()}


@contextlib.contextmanager
def _server_folder() -> Iterator[Path]:
    # Not pytest's folder: that may not be entered by the server's user.
    with tempfile.TemporaryDirectory(prefix="petseg-server-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


def _nobody() -> dict[str, object]:
    """Database servers refuse to run as root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}


def _as_nobody(folder: Path, *command: object) -> None:
    done = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False, **_nobody()
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _start(folder: Path, *command: object) -> subprocess.Popen:
    with (folder / "log").open("w") as log:
        return subprocess.Popen(list(map(str, command)), cwd=folder, stdout=log, stderr=log, **_nobody())


@contextlib.contextmanager
def _running(server: subprocess.Popen, port: int, folder: Path) -> Iterator[None]:
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            waiting = server.poll() is None and time.monotonic() < deadline
            assert waiting, (folder / "log").read_text()
            time.sleep(0.2)
        yield
    finally:
        # PostgreSQL's fast shutdown: on SIGTERM it would wait for its clients. MariaDB takes it for SIGTERM.
        server.send_signal(signal.SIGINT if "postgres" in str(server.args) else signal.SIGTERM)
        server.wait(timeout=30)
