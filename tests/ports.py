"""Ports of loopback that no other process takes between two tests' looks at them."""

import contextlib
import socket
import time
from collections.abc import Iterator

import psutil

LOOPBACK = "127.0.0.1"
SECONDS_TO_START = 120


def reserve_port() -> int:
    """Returns a port that the kernel gives to no other process for a minute.

    A closed connection stays in TIME_WAIT on the port. Until that ends, only a server that asks for this very
    port and sets SO_REUSEADDR can bind it.
    """
    with socket.create_server((LOOPBACK, 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as client:
            accepted, _ = server.accept()
            # Who closes first keeps the TIME_WAIT.
            accepted.close()
            assert client.recv(1) == b""
    return address[1]


@contextlib.contextmanager
def unanswered_port() -> Iterator[int]:
    """A port that refuses connections: it is bound for as long as the context lasts, and nobody listens."""
    with socket.socket() as holder:
        holder.bind((LOOPBACK, 0))
        yield holder.getsockname()[1]


def listening_port(process: psutil.Popen) -> int:
    """Waits until a server that was started with port 0 listens; returns the port that the kernel gave it.

    Raises:
        AssertionError: The server ended, or does not listen after SECONDS_TO_START.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        ports = {
            connection.laddr.port
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }
        if ports:
            (port,) = ports
            return port
        assert process.poll() is None, f"{process.args[0]} ended with status {process.returncode}"
        assert time.monotonic() < deadline, f"{process.args[0]} does not listen"
        time.sleep(0.1)
