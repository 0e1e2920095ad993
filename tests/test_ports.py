import socket
import subprocess
import sys

import psutil
import pytest

from tests.ports import LOOPBACK, listening_port, reserve_port, unanswered_port


def test_a_reserved_port_can_be_bound_by_the_server_that_asks_for_it_only():
    port = reserve_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((LOOPBACK, port))
    with socket.create_server((LOOPBACK, port)) as server:
        assert server.getsockname()[1] == port


def test_nobody_answers_and_nobody_can_listen():
    with unanswered_port() as port:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, port))
        with pytest.raises(OSError, match="in use"):
            socket.create_server((LOOPBACK, port))


SERVER = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
input()
"""


def test_the_port_that_a_server_was_given():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    server = psutil.Popen([sys.executable, "-c", SERVER], text=True, **pipes)
    assert listening_port(server) == int(server.stdout.readline())
    server.communicate("\n")


def test_a_server_that_ends_is_no_server():
    server = psutil.Popen([sys.executable, "-c", ""])
    with pytest.raises(AssertionError, match="ended with status 0"):
        listening_port(server)
