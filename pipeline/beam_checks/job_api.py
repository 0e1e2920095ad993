"""The job server, which takes Beam's pipelines: a running one, or the one that Beam starts with Java."""

import os
import shutil
from urllib.parse import urlsplit

from petseg.errors import UserError
from pipeline.beam_checks.check import SECONDS, EngineRun, Finding
from pipeline.beam_settings import STARTED_BY_BEAM

JAVA_ENGINES = ("flink", "spark")
"""Engines for which Beam starts a job server, a JVM, with each pipeline."""


def check_job_server(run: EngineRun) -> Finding | None:
    """The job server speaks Beam's Job API; one that Beam starts finds Java and its jar."""
    beam = run.beam
    if beam.engine == "portable":
        _check_api(str(beam.address))
        return Finding(f"{beam.address} speaks Beam's Job API")
    if beam.engine in JAVA_ENGINES and beam.address not in STARTED_BY_BEAM:
        return _check_java(beam.engine, list(beam.args))
    return None


def _check_api(address: str) -> None:
    import grpc
    from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

    request = beam_job_api_pb2.DescribePipelineOptionsRequest()
    with grpc.insecure_channel(address) as channel:
        try:
            beam_job_api_pb2_grpc.JobServiceStub(channel).DescribePipelineOptions(request, timeout=SECONDS)
        except grpc.RpcError as error:
            raise UserError(
                f"beam.address: what answers at {address} is no Beam job server "
                f"({error.code().name.lower()}); name the port of its Job API, 8099 by default"
            ) from None


def _check_java(engine: str, args: list[str]) -> Finding:
    from apache_beam.options.pipeline_options import PipelineOptions

    options = PipelineOptions(args).get_all_options(retain_unknown_options=True)
    java, jar = options["job_server_java_launcher"], options.get(f"{engine}_job_server_jar")
    if shutil.which(java) is None:
        raise UserError(
            f"beam.engine {engine}: Beam starts its job server with {java}, which is not on PATH; install "
            "Java (Debian: openjdk-17-jre-headless), or start a job server and name it with engine portable"
        )
    if jar and not urlsplit(jar).scheme and not os.path.exists(jar):
        raise UserError(
            f"beam.args: --{engine}_job_server_jar={jar} does not exist; name a file or a URL, or leave it "
            "out: Beam then downloads the jar"
        )
    return Finding(f"Beam starts one for each data step with {java} and {jar or 'the jar that it downloads'}")
