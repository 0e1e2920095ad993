"""What the messages of engines mean, whose own texts name neither setting nor remedy."""

import re

from pipeline.beam_checks.flink import FITTING_MIN_BUFFERS, MIN_BUFFERS
from pipeline.beam_checks.worker_pool import START
from pipeline.beam_settings import LOCAL_ENGINES, BeamSettings

SHIP = "start the workers with this version of the project, use its image, or set beam.setup_file=./setup.py"


class EngineError(Exception):
    """An engine cannot go on; the text is one line with the remedy."""


def explain(text: str, beam: BeamSettings) -> str | None:
    """Returns one line on what failed on an engine, with the remedy; None where the text says nothing known.

    Args:
        text: All that the engine said.
        beam: The engine's settings.
    """
    if beam.engine in LOCAL_ENGINES:
        return None
    if found := re.search(r"No module named '?([\w.]+)", text):
        return f"beam.engine {beam.engine}: the workers have no module {found[1]}; {SHIP}"
    if found := re.search(r"Unable to fetch remote job server jar at (\S+): ", text):
        return (
            f"beam.engine {beam.engine}: Beam cannot download its job server; fetch {found[1]} and name it "
            f"in beam.args: --{beam.engine}_job_server_jar=FILE"
        )
    if "Insufficient number of network buffers" in text:
        return (
            f"beam.engine {beam.engine}: Flink has too few network buffers; set {MIN_BUFFERS}: "
            f"{FITTING_MIN_BUFFERS} or a higher taskmanager.memory.network.min in Flink"
        )
    if "NoResourceAvailableException" in text or "Could not acquire the minimum required resources" in text:
        return f"beam.workers: Flink has no {beam.workers} free slots; set fewer, or start TaskManagers"
    if "is no longer reachable" in text or "The heartbeat of TaskManager" in text:
        return (
            f"beam.engine {beam.engine}: Flink lost a TaskManager; set restart-strategy.type: fixed-delay in "
            "Flink, and look at its memory"
        )
    if re.search(r"Connection refused|failed to connect to all addresses", text):
        return _explain_refusal(text, beam)
    if "StatusCode.UNAVAILABLE" in text:
        server = f"the job server at {beam.address}" if beam.engine == "portable" else "Beam's job server"
        return f"beam.engine {beam.engine}: {server} has ended or cannot be reached any more; look at its log"
    return None


def _explain_refusal(text: str, beam: BeamSettings) -> str | None:
    # Flink names no address of a pool.
    names_engine = f":{port_of(beam.address)}" in text and f":{port_of(beam.worker_pool)}" not in text
    if names_engine:
        return f"beam.address: {beam.address} does not answer any more: Connection refused; start it again"
    if beam.worker_pool:
        return (
            f"beam.worker_pool: the engine at {beam.address} cannot use the workers of {beam.worker_pool}: "
            f"Connection refused; start the pool with `{START}`, or correct the address"
        )
    return None


def port_of(address: str | None) -> str:
    """The port in an address, or what stands after its last colon."""
    return str(address).rpartition(":")[2].rstrip("/")
