"""What only Kubernetes understands of the steps: volumes, shared memory and machines."""

from typing import Any

from pipeline.runners.settings import RunnerSettings

SHARED_MEMORY = {"volumeName": "shm", "mountPath": "/dev/shm", "medium": "Memory", "sizeLimit": "2Gi"}
"""A pod has 64 MB; NCCL needs more for several GPUs. The driver ignores the field `enabledSharedMemory`."""


def platform_spec(runner: RunnerSettings, nodes: list[str]) -> dict[str, Any]:
    """Returns kfp's platform spec, the second document of a file; empty where it would say nothing."""
    executors = {f"{name}_executor": _executor(runner, name) for name in nodes}
    executors = {label: executor for label, executor in executors.items() if executor}
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}} if executors else {}


def _executor(runner: RunnerSettings, name: str) -> dict[str, Any]:
    node = runner.node(name)
    executor: dict[str, Any] = {}
    if runner.kubeflow.volume_claim:
        executor["pvcMount"] = [
            {"constant": runner.kubeflow.volume_claim, "mountPath": runner.kubeflow.mount_path}
        ]
    if node.gpus:
        executor["emptyDirMounts"] = [SHARED_MEMORY]
    if node.node_selector:
        executor["nodeSelector"] = {"labels": node.node_selector}
    return executor
