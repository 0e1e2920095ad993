"""Runs a compiled file as Vertex Pipelines does, without Google: a process a step.

Each artifact is at a gs:// URI, which the step itself reads and writes; nobody copies anything for it. Every
bucket is a folder of the pod, too, /gcs/BUCKET. The emulator of Google's store is the object store, and
/gcs/BUCKET is a folder that all pods share: what is written to one is not seen in the other here.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as kfp

from tests.e2e.kubeflow_driver import Refused
from tests.e2e.kubeflow_launcher import Launcher
from tests.e2e.kubeflow_runs import OLDER, new_cluster
from tests.e2e.kubeflow_steps import KubeflowRun

BUCKET = "bucket"


class VertexLauncher(Launcher):
    """Starts a step's command; what open-source Kubeflow's launcher does besides, Vertex does not."""

    def _own_variables(self, pod: Path) -> dict[str, str]:
        return {}

    def _download(self, uri: str, folder: Path) -> None:
        """Nobody does."""

    def _upload(self, path: Path, uri: str) -> None:
        """Nobody does, and an artifact is where the step says."""
        if not uri.startswith("gs://"):
            raise Refused(f"an artifact is at {uri}")


@dataclass
class VertexRun(KubeflowRun):
    """One run of a compiled PipelineJob.

    Attributes:
        environment: Variables of each pod: where the emulator is.
    """

    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_job(cls, compiled: Path, folder: Path, environment: dict[str, str]) -> "VertexRun":
        """A run of a compiled file, in a project whose pods lie in a folder."""
        job = json.loads(compiled.read_text())
        spec = json_format.ParseDict(job["pipelineSpec"], kfp.PipelineSpec())
        root = job["runtimeConfig"]["gcsOutputDirectory"]
        # The older layout has outputFile in /tmp: the bucket is mounted over the other's folder.
        return cls(spec, {}, new_cluster(folder), OLDER, root, environment=environment)

    def _launcher(self, name: str) -> Launcher:
        cluster = self.cluster
        mounted = {f"/gcs/{BUCKET}": cluster.volume}
        return VertexLauncher(self.layout, cluster.metadata, mounted, self.environment, cluster.pod_started)

    def _claims(self, name: str) -> dict[str, str]:
        return {}
