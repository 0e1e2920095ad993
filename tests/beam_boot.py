"""A worker that has the dependencies only: fetches what was shipped, installs it, then works.

It does what the program `boot` in Beam's container images does, which no package has: Beam's provision and
artifact services over gRPC, `pip install`, and the SDK's worker with its environment.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc
from apache_beam.portability.api import (
    beam_artifact_api_pb2,
    beam_artifact_api_pb2_grpc,
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    beam_runner_api_pb2,
    endpoints_pb2,
)
from google.protobuf import json_format, text_format


class WorkerId(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Tells the services which worker asks."""

    def __init__(self, worker_id: str):
        self._metadata = [("worker_id", worker_id)]

    def intercept_unary_unary(self, go_on, details, request):
        return go_on(details._replace(metadata=self._metadata), request)

    def intercept_unary_stream(self, go_on, details, request):
        return go_on(details._replace(metadata=self._metadata), request)


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("id", "logging_endpoint", "artifact_endpoint", "provision_endpoint", "control_endpoint"):
        parser.add_argument(f"--{name}")
    given = parser.parse_args()

    def channel(url: str) -> grpc.Channel:
        return grpc.intercept_channel(grpc.insecure_channel(url), WorkerId(given.id))

    info = (
        beam_provision_api_pb2_grpc.ProvisionServiceStub(channel(given.provision_endpoint))
        .GetProvisionInfo(beam_provision_api_pb2.GetProvisionInfoRequest())
        .info
    )
    home = Path(tempfile.mkdtemp(dir=os.getcwd()))
    fetch(channel(info.artifact_endpoint.url or given.artifact_endpoint), info.dependencies, home)
    if (home / "workflow.tar.gz").exists():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*install, "--target", home, home / "workflow.tar.gz"], check=True)

    def service(url: str) -> str:
        return text_format.MessageToString(endpoints_pb2.ApiServiceDescriptor(url=url))

    os.environ.update(
        WORKER_ID=given.id,
        PYTHONPATH=str(home),
        SEMI_PERSISTENT_DIRECTORY=str(home),
        PIPELINE_OPTIONS=json_format.MessageToJson(info.pipeline_options),
        LOGGING_API_SERVICE_DESCRIPTOR=service(info.logging_endpoint.url or given.logging_endpoint),
        CONTROL_API_SERVICE_DESCRIPTOR=service(info.control_endpoint.url or given.control_endpoint),
    )
    os.chdir(home)
    os.execv(sys.executable, [sys.executable, "-m", "apache_beam.runners.worker.sdk_worker_main"])


def fetch(channel: grpc.Channel, dependencies, home: Path) -> None:
    store = beam_artifact_api_pb2_grpc.ArtifactRetrievalServiceStub(channel)
    wanted = beam_artifact_api_pb2.ResolveArtifactsRequest(artifacts=dependencies)
    for artifact in store.ResolveArtifacts(wanted).replacements:
        role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(artifact.role_payload)
        with (home / role.staged_name).open("wb") as file:
            for block in store.GetArtifact(beam_artifact_api_pb2.GetArtifactRequest(artifact=artifact)):
                file.write(block.data)


if __name__ == "__main__":
    main()
