"""Job servers that Beam starts for Flink and Spark: a process for each pipeline, which outlives its node."""

import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def stop_job_servers() -> Iterator[None]:
    """Stops, when the context ends, the job servers that Beam started in it.

    Beam itself stops them when this process exits. Until then each is a JVM that nobody uses, and then the
    folder for temporary files that each wants to remove first is gone, so that Beam's hook fails and the
    process stays for good.
    """
    from apache_beam.runners.portability.job_server import StopOnExitJobServer

    servers: list[StopOnExitJobServer] = []
    start = StopOnExitJobServer.start

    in_main_thread = threading.current_thread() is threading.main_thread()
    interrupt = signal.getsignal(signal.SIGINT)

    def start_and_keep(server: StopOnExitJobServer) -> object:
        servers.append(server)
        try:
            return start(server)
        finally:
            if in_main_thread:
                # Beam's own handler would stop the server at once, and nobody could cancel its jobs any more.
                signal.signal(signal.SIGINT, interrupt)

    StopOnExitJobServer.start = start_and_keep
    try:
        yield
    finally:
        StopOnExitJobServer.start = start
        for server in servers:
            server.stop()
