"""Object stores on loopback that speak the real protocols and keep objects in memory."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import s3fs

from tests.ports import LOOPBACK, listening_port

KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


@contextlib.contextmanager
def s3_server() -> Iterator[dict[str, str]]:
    """moto's S3 server with an empty bucket `bucket`; yields the environment in which clients find it."""
    with _running("moto.server", "-H", LOOPBACK, "-p", "0") as port:
        environment = KEYS | {"AWS_ENDPOINT_URL": f"http://{LOOPBACK}:{port}"}
        with _environment(environment):
            s3fs.S3FileSystem(use_listings_cache=False).mkdir("bucket")
            yield environment


@contextlib.contextmanager
def gs_server() -> Iterator[dict[str, str]]:
    """An emulator of Google's store with an empty bucket `bucket`; yields the environment for clients.

    Each write takes a second: Arrow's client waits for a `100 Continue`, which the emulator does not send.
    """
    options = ("start", f"--host={LOOPBACK}", "--port=0", "--in-memory", "--default-bucket=bucket")
    with _running("gcp_storage_emulator", *options) as port:
        environment = {"STORAGE_EMULATOR_HOST": f"http://{LOOPBACK}:{port}"}
        with _environment(environment):
            yield environment


@contextlib.contextmanager
def _running(*command: str) -> Iterator[int]:
    server = psutil.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield listening_port(server)
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
