"""What only Kubernetes understands of the steps: volumes, secrets, images and machines.

The driver puts it into the pod's specification:
https://github.com/kubeflow/pipelines/blob/2.16.1/backend/src/v2/driver/k8s.go, extendPodSpecPatch.
"""

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
    node, kubeflow = runner.node(name), runner.kubeflow
    executor: dict[str, Any] = {}
    if kubeflow.volume_claim:
        executor["pvcMount"] = [{"constant": kubeflow.volume_claim, "mountPath": kubeflow.mount_path}]
    if kubeflow.secret_env:
        executor["secretAsEnv"] = [
            {"secretName": secret, "keyToEnv": [{"secretKey": key, "envVar": key} for key in keys]}
            for secret, keys in sorted(kubeflow.secret_env.items())
        ]
    if kubeflow.image_pull_policy:
        executor["imagePullPolicy"] = kubeflow.image_pull_policy
    if node.gpus:
        executor["emptyDirMounts"] = [SHARED_MEMORY]
        # Machines with GPUs are tainted so that nothing else runs on them.
        executor["tolerations"] = [{"key": node.gpu_type, "operator": "Exists", "effect": "NoSchedule"}]
    if node.node_selector:
        executor["nodeSelector"] = {"labels": node.node_selector}
    return executor
