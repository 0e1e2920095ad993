"""Runs a compiled file as open-source Kubeflow Pipelines does, without a cluster and as unkind: a process a
step.

The driver resolves a task's inputs (kubeflow_driver), the launcher copies artifacts and starts the
container's command (kubeflow_launcher), Argo decides the order and tries again. moto's S3 is the object
store, and a pod is a mount namespace. Where this and the real programs differ, this is wrong.
"""

import re
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as kfp

from tests.e2e.kubeflow_driver import (
    NAMESPACE_ROOT,
    JsonObject,
    Layout,
    Metadata,
    Refused,
    Stored,
    cache_key,
    local_path,
    provision_outputs,
)
from tests.e2e.kubeflow_launcher import Launcher

POD_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
"""What Kubernetes takes (RFC 1123)."""


class StepFailed(Exception):
    """A step whose every try failed.

    Attributes:
        tries: Number of tries.
        status: Exit status of the last one's command.
    """

    def __init__(self, task: str, tries: int, status: int, log: str):
        super().__init__(f"{task} failed {tries} times, with status {status}:\n{log[-4000:]}")
        self.tries = tries
        self.status = status


@dataclass
class Done:
    """What a task left.

    Attributes:
        artifacts: By key.
        parameters: By key.
        log: Of its last try; empty where the cache answered.
    """

    artifacts: dict[str, Stored]
    parameters: JsonObject
    log: str = ""


@dataclass
class Cluster:
    """What runs share.

    Attributes:
        folder: Of the pods.
        claim: Name of the claim of the one volume.
        volume: Folder that stands for it.
        secrets: Keys and values of each Secret, by its name.
        pod_started: Called with each pod's process; its group is all of the pod.
        metadata: ML Metadata.
        cache: What tasks left, by their keys.
    """

    folder: Path
    claim: str
    volume: Path
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    pod_started: Callable[[subprocess.Popen[str]], None] = lambda pod: None
    metadata: Metadata = field(default_factory=Metadata)
    cache: dict[str, Done] = field(default_factory=dict)


@dataclass
class KubeflowRun:
    """One run of a compiled pipeline.

    Attributes:
        spec: The compiled pipeline.
        platform: Its second document.
        cluster: Where it runs.
        layout: Release of Kubeflow Pipelines.
        root: What the client gives as the pipeline root.
        run_id: What the cluster puts in the place of `{{$.pipeline_job_uuid}}`.
        between_tries: Called before a failed step is tried again.
        done: What the tasks left, by task.
        reused: Tasks that the cache answered.
    """

    spec: kfp.PipelineSpec
    platform: JsonObject
    cluster: Cluster
    layout: Layout
    root: str | None
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    between_tries: Callable[[], None] = lambda: None
    done: dict[str, Done] = field(default_factory=dict)
    reused: set[str] = field(default_factory=set)

    @classmethod
    def of_file(cls, compiled: Path, cluster: Cluster, layout: Layout, **more: Any) -> "KubeflowRun":
        """A run of a compiled file, checked against the protobuf; its root is what our client reads there."""
        documents = list(yaml.safe_load_all(compiled.read_text()))
        spec = json_format.ParseDict(documents[0], kfp.PipelineSpec())
        more = {"root": spec.default_pipeline_root or None} | more
        platform = documents[1]["platforms"]["kubernetes"] if len(documents) > 1 else {}
        return cls(spec, platform, cluster, layout, **more)

    def run(self) -> None:
        """Runs all tasks, each when those that it waits for are done (argo-workflows, DAG templates)."""
        tasks = self.spec.root.dag.tasks
        while waiting := [name for name in sorted(tasks) if name not in self.done]:
            ready = [name for name in waiting if set(tasks[name].dependent_tasks) <= self.done.keys()]
            assert ready, f"{waiting} wait for each other"
            for name in ready:
                self.step(name)

    def step(self, name: str) -> Done:
        """Runs one task, as often as its retry policy says, or takes what an equal one left.

        Raises:
            StepFailed: The last try failed, too.
            Refused: Driver, launcher, Argo or Kubernetes refuse.
        """
        task = self.spec.root.dag.tasks[name]
        executor_input = self._executor_input(name)
        key = cache_key(executor_input, self._container(name), sorted(self._claims(name).values()))
        if task.caching_options.enable_cache and key in self.cluster.cache:
            self.reused.add(name)
            self.done[name] = self.cluster.cache[key]
            return self.done[name]
        self.check_retries(name)
        self.done[name] = self._tried(name, executor_input)
        if task.caching_options.enable_cache:
            self.cluster.cache[key] = self.done[name]
        return self.done[name]

    def _tried(self, name: str, executor_input: JsonObject) -> Done:
        launcher = self._launcher(name)
        container = self._container(name)
        command = [*container["command"], *container.get("args", [])]
        tries = self.spec.root.dag.tasks[name].retry_policy.max_retry_count + 1
        for attempt in range(tries):
            if attempt:
                self.between_tries()
            # A new pod for each try, with the same input.
            pod = self.cluster.folder / f"{self.run_id[:8]}-{name}-{uuid.uuid4().hex[:4]}"
            result = launcher.run(pod, command, executor_input)
            if result.status == 0:
                return Done(*launcher.publish(pod, executor_input), result.log)
        raise StepFailed(name, tries, result.status, result.log)

    def _launcher(self, name: str) -> Launcher:
        cluster = self.cluster
        assert set(self._claims(name).values()) <= {cluster.claim}
        claims = dict.fromkeys(self._claims(name), cluster.volume)
        return Launcher(self.layout, cluster.metadata, claims, self._secret_values(name), cluster.pod_started)

    def check_retries(self, name: str) -> None:
        """Raises Refused if Kubernetes would not start the pods of a task, or Argo would not try again."""
        policy = self.spec.root.dag.tasks[name].retry_policy
        if not policy.max_retry_count:
            return
        if self.layout == "2.5" and not POD_NAME.fullmatch(f"{name}-system-container-impl"):
            # backend/src/v2/compiler/argocompiler/container.go:280-284 of 2.5.0: a template of this name.
            raise Refused(f"pod name {name}-system-container-impl: must consist of lower case characters")
        if self.layout == "2.16" and not policy.backoff_max_duration.seconds:
            # container.go:404: "0" where it is absent; argo-workflows v3.6.7,
            # workflow/controller/operator.go:994-1008.
            raise Refused("Max duration limit exceeded")

    def _executor_input(self, name: str) -> JsonObject:
        """What the driver asks of a step."""
        task = self.spec.root.dag.tasks[name]
        inputs: JsonObject = {}
        for key, parameter in task.inputs.parameters.items():
            inputs.setdefault("parameterValues", {})[key] = self._parameter(parameter)
        for key, artifact in task.inputs.artifacts.items():
            source = artifact.task_output_artifact
            produced = self.done[source.producer_task].artifacts[source.output_artifact_key]
            inputs.setdefault("artifacts", {})[key] = {"artifacts": [produced.as_input()]}
        root = self.root or NAMESPACE_ROOT
        # The root driver takes gs, s3 and minio only: objectstore/config.go:115-124 of 2.5.0.
        local_path({"uri": root}, self.layout)
        run_root = f"{root}/{self.spec.pipeline_info.name}/{self.run_id}"
        component = self.spec.components[task.component_ref.name]
        return {"inputs": inputs, "outputs": provision_outputs(self.layout, run_root, name, component)}

    def _parameter(self, parameter: kfp.TaskInputsSpec.InputParameterSpec) -> Any:
        """A constant, a placeholder filled in, or an output of another task: driver/resolve.go."""
        if parameter.HasField("task_output_parameter"):
            source = parameter.task_output_parameter
            return self.done[source.producer_task].parameters[source.output_parameter_key]
        value = json_format.MessageToDict(parameter.runtime_value.constant)
        return self.run_id if value == "{{$.pipeline_job_uuid}}" else value

    def _container(self, name: str) -> JsonObject:
        return json_format.MessageToDict(self.spec.deployment_spec)["executors"][self._label(name)][
            "container"
        ]

    def _claims(self, name: str) -> dict[str, str]:
        """Names of the claims that a step mounts, by path: driver/k8s.go, pvcMount."""
        return {mount["mountPath"]: mount["constant"] for mount in self._pod(name).get("pvcMount", [])}

    def _secret_values(self, name: str) -> dict[str, str]:
        """Environment variables of a step from keys of secrets: driver/k8s.go, secretAsEnv."""
        return {
            key["envVar"]: self.cluster.secrets[secret["secretName"]][key["secretKey"]]
            for secret in self._pod(name).get("secretAsEnv", [])
            for key in secret["keyToEnv"]
        }

    def _pod(self, name: str) -> JsonObject:
        """What the platform document says of a step."""
        return self.platform.get("deploymentSpec", {}).get("executors", {}).get(self._label(name), {})

    def _label(self, name: str) -> str:
        component = self.spec.components[self.spec.root.dag.tasks[name].component_ref.name]
        return component.executor_label
