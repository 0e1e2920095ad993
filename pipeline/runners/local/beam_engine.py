"""The data engine before a run: what it needs is there, and it is given what its workers can use."""

import contextlib
import io
import json
import logging
import os
import re
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from petseg.errors import UserError
from petseg.files.object_store import is_url
from pipeline.beam_settings import LOCAL_ENGINES, BeamSettings
from pipeline.settings import PipelineSettings

SECONDS = 10.0
"""In which a cluster must answer."""

STARTED_BY_BEAM = ("[auto]", "[local]")
"""Addresses for which Beam starts a Flink of its own."""


def check_engine(beam: BeamSettings) -> None:
    """Checks that the cluster answers, and that Beam knows all of `beam.args`.

    Raises:
        UserError: One of them does not hold, or the engine's workers cannot see a run of this machine.
    """
    described: tuple[str, ...] = ()
    if beam.engine == "portable" and beam.address == "embed" and beam.worker_pool:
        # The job service is this process, and asks the pool for workers.
        _check_answers("beam.worker_pool", beam.worker_pool, "start it, or correct the address")
    elif beam.engine == "portable":
        described = _options_of_job_server(str(beam.address))
    elif beam.engine == "spark":
        master = urlsplit(str(beam.address)).netloc
        _check_answers("beam.address", master, "start Spark, or correct the address")
    elif beam.engine == "dataflow":
        raise UserError(
            "beam.engine must not be dataflow in `run`: its workers do not see this machine's folders; "
            "compile for Vertex, or choose another engine"
        )
    if beam.args and beam.engine not in ("flink", "spark"):
        _check_args(beam.args, described)


def for_workers(settings: PipelineSettings) -> PipelineSettings:
    """Returns the settings as an engine elsewhere needs them: absolute paths, and the version of its Flink.

    Workers have a working folder of their own.

    Raises:
        UserError: Flink's REST API does not answer.
    """
    beam, data = settings.beam, settings.data
    if beam.engine in LOCAL_ENGINES:
        return settings
    if data.path and not is_url(data.path):
        data = data.model_copy(update={"path": os.path.abspath(data.path)})
    if beam.engine == "flink" and beam.flink_version is None and beam.address not in STARTED_BY_BEAM:
        beam = beam.model_copy(update={"flink_version": _flink_version(str(beam.address))})
    return settings.model_copy(update={"beam": beam, "data": data})


def unshared_folders(settings: PipelineSettings, output: Path) -> list[str]:
    """Folders of a run that its workers see only if they mount them under the same path."""
    if settings.beam.engine in LOCAL_ENGINES:
        return []
    return [path for path in (settings.data.path, str(output.absolute())) if path and not is_url(path)]


def _check_answers(key: str, address: str, remedy: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"{key}: nothing answers at {address}: {reason}; {remedy}") from None


def _options_of_job_server(address: str) -> tuple[str, ...]:
    """Names of the pipeline options that a Beam job server knows."""
    _check_answers("beam.address", address, "start the job server, or correct the address")
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    with grpc.insecure_channel(address) as channel:
        jobs = beam_job_api_pb2_grpc.JobServiceStub(channel)
        request = beam_job_api_pb2.DescribePipelineOptionsRequest()
        try:
            answer = jobs.DescribePipelineOptions(request, timeout=SECONDS)
        except grpc.RpcError as error:
            raise UserError(
                f"beam.address: what answers at {address} is no Beam job server "
                f"({error.code().name.lower()}); name the port of its Job API, 8099 by default"
            ) from None
    return tuple(option.name for option in answer.options)


def _flink_version(address: str) -> str:
    """Version of a Flink cluster, such as 1.19.3, by its REST API.

    See https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/rest_api/, /config.
    """
    url = address if re.match("https?://", address) else f"http://{address}"
    try:
        with urllib.request.urlopen(f"{url}/config", timeout=SECONDS) as answer:
            version: str = json.load(answer)["flink-version"]
    except OSError as error:
        cause = getattr(error, "reason", error)
        why = getattr(cause, "strerror", "") or cause
        raise UserError(
            f"beam.address: Flink does not answer at {url}/config: {why}; start it, or correct the address "
            "to that of its REST API"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f"beam.address: what answers at {url}/config is not Flink; name the address of its REST API, "
            "port 8081 by default"
        ) from None
    return version


def _check_args(args: tuple[str, ...], described: tuple[str, ...]) -> None:
    from apache_beam.options.pipeline_options import PipelineOptions

    def add_described(parser: Any) -> None:
        for name in described:
            with contextlib.suppress(Exception):  # Beam knows it already
                parser.add_argument(f"--{name}")

    said = io.StringIO()
    with _discarded() as discarded, contextlib.redirect_stderr(said):
        try:
            PipelineOptions(list(args)).get_all_options(add_extra_args_fn=add_described)
        except SystemExit:
            raise UserError(f"beam.args: {said.getvalue().strip().splitlines()[-1]}") from None
    if discarded:
        raise UserError(
            f"beam.args: Beam knows no {' '.join(discarded)} and would leave it out; correct or remove it"
        )


@contextlib.contextmanager
def _discarded() -> Iterator[list[str]]:
    """Arguments that Beam says it discards."""
    found: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if str(record.msg).startswith("Discarding unparseable args") and isinstance(record.args, tuple):
                (unknown,) = record.args
                found.extend(unknown if isinstance(unknown, list) else [str(unknown)])

    logger = logging.getLogger("apache_beam.options.pipeline_options")
    handler = Handler()
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
