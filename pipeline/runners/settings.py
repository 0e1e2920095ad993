"""Settings of compiled pipelines: folders, image, and resources of each node."""

from typing import Any

from pydantic import Field, field_validator, model_validator

from petseg.settings import Settings
from pipeline.nodes import check_node
from pipeline.runners.kubeflow.settings import KubeflowSettings
from pipeline.runners.vertex.settings import VertexSettings


class NodeSettings(Settings):
    """Resources and limits of one node; what is not set is the cluster's default."""

    image: str | None = Field(None, description="Container image of this node; null: runner.image.")
    cpu: float | None = Field(None, gt=0, description="Maximum number of CPU cores.")
    memory_gb: float | None = Field(None, gt=0, description="Maximum memory in GB (10^9 bytes).")
    gpu_type: str | None = Field(
        None,
        description="GPU type as the cluster names it: nvidia.com/gpu on Kubeflow, NVIDIA_TESLA_T4 "
        "on Vertex.",
    )
    gpus: int = Field(0, ge=0, description="Number of GPUs of that type.")
    node_selector: dict[str, str] = Field(
        {}, description="Kubeflow: labels of the machines that may run this node."
    )
    retries: int = Field(0, ge=0, le=100, description="Number of retries after the node failed.")
    timeout_seconds: int | None = Field(
        None, ge=1, description="Seconds after which an attempt is stopped and counts as failed."
    )
    cache: bool = Field(
        True, description="Whether the cluster may reuse the results of an identical execution."
    )

    @model_validator(mode="after")
    def _type_and_number(self) -> "NodeSettings":
        if (self.gpu_type is None) != (self.gpus == 0):
            raise ValueError(
                "gpu_type and gpus must be given together; "
                f"received gpu_type {self.gpu_type!r} and gpus {self.gpus}"
            )
        return self


class RunnerSettings(Settings):
    """Where a compiled pipeline runs. Local runs use none of these settings."""

    pipeline_root: str | None = Field(
        None,
        description="Folder for the artifacts on a cluster: gs://bucket/folder; on Kubeflow also s3:// or "
        "minio://, or null, the namespace's own.",
    )
    image: str | None = Field(None, description="Container image of the steps, made from deploy/Dockerfile.")
    service_account: str | None = Field(
        None, description="Account that runs the steps; null: the cluster's default."
    )
    kubeflow: KubeflowSettings = Field(KubeflowSettings(), description="The Kubeflow deployment.")
    vertex: VertexSettings = Field(VertexSettings(), description="The Vertex AI project.")
    nodes: dict[str, NodeSettings] = Field(
        {},
        description="Resources of single nodes, by name: image, cpu, memory_gb, gpu_type, gpus, "
        "node_selector, retries, timeout_seconds, cache.",
    )

    @field_validator("nodes", mode="before")
    @classmethod
    def _known(cls, nodes: Any) -> Any:
        for name in nodes if isinstance(nodes, dict) else ():
            check_node("runner.nodes:", name)
        return nodes

    def node(self, name: str) -> NodeSettings:
        """Settings of a node; the defaults where it has none."""
        return self.nodes.get(name, NodeSettings())
