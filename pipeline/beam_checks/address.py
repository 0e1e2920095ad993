"""Whether a server resolves and answers."""

import socket
from urllib.parse import urlsplit

from petseg.errors import UserError
from pipeline.beam_checks.check import SECONDS, EngineRun, Finding
from pipeline.beam_settings import STARTED_BY_BEAM

DEFAULT_PORTS = {"http": 80, "https": 443}

SERVERS = {"portable": "the job server", "flink": "Flink", "spark": "Spark"}
"""What `beam.address` leads to, by engine."""


def check_is_seen(run: EngineRun) -> Finding | None:
    """The engine's workers can work for a run on this machine."""
    if run.beam.engine == "dataflow" and run.output:
        raise UserError(
            "beam.engine must not be dataflow in `run`: its workers do not see this machine's folders; "
            "compile for Vertex, or choose another engine"
        )
    return None


def check_address(run: EngineRun) -> Finding | None:
    """`beam.address` resolves and answers."""
    beam = run.beam
    if beam.engine not in SERVERS or beam.address in STARTED_BY_BEAM:
        return None
    server = server_of(str(beam.address))
    ip_address = connect("beam.address", server, f"start {SERVERS[beam.engine]}, or correct the address")
    return Finding(f"{server} resolves to {ip_address} and answers")


def server_of(address: str) -> str:
    """Returns host:port of an address that may be a URL.

    Raises:
        UserError: It is neither.
    """
    try:
        url = urlsplit(address if "://" in address else f"//{address}")
        if url.scheme in DEFAULT_PORTS and not url.port:
            return f"{url.netloc}:{DEFAULT_PORTS[url.scheme]}"
    except ValueError as error:
        raise UserError(f"beam.address must be host:port or a URL; received {address}: {error}") from None
    return url.netloc


def connect(key: str, server: str, remedy: str) -> str:
    """Connects to a server once.

    Args:
        key: The setting that names it.
        server: Its host:port.
        remedy: What to do where nothing answers.

    Returns:
        The IP address of its host.

    Raises:
        UserError: Its name does not resolve, or nothing answers.
    """
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS) as connection:
            ip_address: str = connection.getpeername()[0]
    except (ValueError, OverflowError):
        raise UserError(f"{key} must be host:port; received {server}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"{key}: nothing answers at {server}: {reason}; {remedy}") from None
    return ip_address


def is_this_machine(server: str) -> bool:
    """Whether a host:port is on the loopback interface."""
    host = server.rpartition(":")[0].strip("[]")
    return host in ("localhost", "::1") or host.startswith("127.")
