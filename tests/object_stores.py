"""Object stores on loopback that keep their objects in memory and speak the real HTTP."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import s3fs

from tests.database_servers import free_port

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


@contextlib.contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """moto's S3 server with an empty bucket `bucket`; yields the environment in which clients find it."""
    port = free_port()
    environment = KEYS | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    with _running("moto.server", "-H", "127.0.0.1", "-p", str(port), port=port), _environment(environment):
        s3fs.S3FileSystem(use_listings_cache=False).mkdir("bucket")
        yield environment


@contextlib.contextmanager
def gs_server() -> Iterator[dict[str, str]]:
    """An emulator of Google's store with an empty bucket `bucket`; yields the environment for clients.

    Each write takes a second: Arrow's client asks whether it may go on, and the emulator does not answer.
    """
    port = free_port()
    environment = {"STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{port}"}
    options = ("start", "--host=127.0.0.1", f"--port={port}", "--in-memory", "--default-bucket=bucket")
    with _running("gcp_storage_emulator", *options, port=port), _environment(environment):
        yield environment


@contextlib.contextmanager
def _running(*command: str, port: int) -> Iterator[None]:
    server = subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield
    finally:
        server.terminate()
        server.wait(timeout=30)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    # A client from before knows another endpoint.
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        s3fs.S3FileSystem.clear_instance_cache()
