"""Runs a compiled Kubeflow pipeline without a cluster: what driver and launcher do there, a process a step.

The cluster's driver resolves a task's inputs into an ExecutorInput, its launcher starts the container's
command with it and reads the ExecutorOutput that the step leaves. Here the container is this machine's
Python. Artifacts lie below a local folder that stands for a bucket: folders in it need no making.
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as kfp

PROJECT = Path(__file__).resolve().parents[2]

Outputs = dict[str, kfp.RuntimeArtifact]
"""A task's output artifacts by name."""

Cache = dict[str, Outputs]
"""What tasks left, by the digest of what they were asked."""


class StepFailed(Exception):
    """A step whose every try failed.

    Attributes:
        tries: Number of tries.
        status: Exit status of the last one.
    """

    def __init__(self, task: str, tries: int, status: int, log: str):
        super().__init__(f"{task} failed {tries} times, with status {status}:\n{log[-4000:]}")
        self.tries = tries
        self.status = status


@dataclass
class KubeflowRun:
    """One run of a compiled pipeline.

    Attributes:
        spec: The compiled pipeline.
        root: Folder of the artifacts.
        run_id: What the cluster puts in the place of `{{$.pipeline_job_uuid}}`.
        cache: Of the cluster; runs may share it.
        between_tries: Called before a failed step is tried again.
        outputs: What the tasks left, by task.
        reused: Tasks that the cache answered.
    """

    spec: kfp.PipelineSpec
    root: Path
    run_id: str
    cache: Cache = field(default_factory=dict)
    between_tries: Callable[[], None] = lambda: None
    outputs: dict[str, Outputs] = field(default_factory=dict)
    reused: set[str] = field(default_factory=set)

    @classmethod
    def of_file(cls, compiled: Path, root: Path, run_id: str, **more: Any) -> "KubeflowRun":
        """A run of a compiled file; checks it against the protobuf."""
        spec = json_format.ParseDict(yaml.safe_load(compiled.read_text()), kfp.PipelineSpec())
        return cls(spec, root, run_id, **more)

    def run(self) -> None:
        """Runs all tasks, each when those that it waits for are done."""
        tasks = self.spec.root.dag.tasks
        while waiting := [name for name in sorted(tasks) if name not in self.outputs]:
            ready = [name for name in waiting if self._waits_for(tasks[name]) <= self.outputs.keys()]
            assert ready, f"{waiting} wait for each other"
            for name in ready:
                self.step(name)

    def step(self, name: str) -> Outputs:
        """Runs one task, as often as its retry policy says, or takes what an equal one left.

        Raises:
            StepFailed: The last try failed, too.
        """
        task = self.spec.root.dag.tasks[name]
        key = self._cache_key(name)
        if task.caching_options.enable_cache and key in self.cache:
            self.reused.add(name)
            self.outputs[name] = self.cache[key]
            return self.outputs[name]
        tries = task.retry_policy.max_retry_count + 1
        for attempt in range(tries):
            if attempt:
                self.between_tries()
            executor_input = self._executor_input(name, attempt)
            done = self._start(name, executor_input)
            if done.returncode == 0:
                self.outputs[name] = _published(executor_input)
                if task.caching_options.enable_cache:
                    self.cache[key] = self.outputs[name]
                return self.outputs[name]
        raise StepFailed(name, tries, done.returncode, done.stdout)

    def _cache_key(self, name: str) -> str:
        """Digest of what the cluster compares: inputs, the outputs' definitions, and the container."""
        component = self.spec.components[self.spec.root.dag.tasks[name].component_ref.name]
        compared = [
            json_format.MessageToDict(self._inputs(name)),
            json_format.MessageToDict(component.output_definitions),
            self._container(name),
        ]
        return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()

    @staticmethod
    def _waits_for(task: kfp.PipelineTaskSpec) -> set[str]:
        producers = {
            artifact.task_output_artifact.producer_task for artifact in task.inputs.artifacts.values()
        }
        return producers | set(task.dependent_tasks)

    def _inputs(self, name: str) -> kfp.ExecutorInput.Inputs:
        """What the cluster's driver makes of a task's constants, placeholders and the tasks before it."""
        task = self.spec.root.dag.tasks[name]
        resolved = kfp.ExecutorInput.Inputs()
        for key, parameter in task.inputs.parameters.items():
            resolved.parameter_values[key].CopyFrom(parameter.runtime_value.constant)
            if parameter.runtime_value.constant.string_value == "{{$.pipeline_job_uuid}}":
                resolved.parameter_values[key].string_value = self.run_id
        for key, artifact in task.inputs.artifacts.items():
            source = artifact.task_output_artifact
            produced = self.outputs[source.producer_task][source.output_artifact_key]
            resolved.artifacts[key].artifacts.append(produced)
        return resolved

    def _executor_input(self, name: str, attempt: int) -> kfp.ExecutorInput:
        """What the cluster's driver does: resolves inputs, and gives each output a place."""
        task = self.spec.root.dag.tasks[name]
        resolved = kfp.ExecutorInput(inputs=self._inputs(name))
        folder = self.root / self.spec.pipeline_info.name / self.run_id / name / str(attempt)
        component = self.spec.components[task.component_ref.name]
        for key, definition in component.output_definitions.artifacts.items():
            (folder / key).mkdir(parents=True)
            resolved.outputs.artifacts[key].artifacts.add(
                name=key, uri=str(folder / key), type=definition.artifact_type, metadata=definition.metadata
            )
        # A file that is there already would be taken for a driver's answer.
        resolved.outputs.output_file = str(folder / "executor_output.json")
        return resolved

    def _start(self, name: str, executor_input: kfp.ExecutorInput) -> subprocess.CompletedProcess[str]:
        """What the cluster's launcher does: starts the container's command, placeholders filled in."""
        filled_in = {"{{$}}": json_format.MessageToJson(executor_input)}
        command = [filled_in.get(word, word) for word in _words(self._container(name))]
        return subprocess.run(
            command,
            cwd=Path(executor_input.outputs.output_file).parent,
            env=_image_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=900,
            check=False,
        )

    def _container(self, name: str) -> dict:
        component = self.spec.components[self.spec.root.dag.tasks[name].component_ref.name]
        executors = json_format.MessageToDict(self.spec.deployment_spec)["executors"]
        return executors[component.executor_label]["container"]


def _words(container: dict) -> Iterable[str]:
    return [*container["command"], *container.get("args", [])]


def _image_environment() -> dict[str, str]:
    """What the image brings: its Python first, the project importable, and nothing of this process."""
    kept = {name: os.environ[name] for name in ("HOME", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def _published(executor_input: kfp.ExecutorInput) -> Outputs:
    """What the launcher tells the metadata store, as the next driver reads it: without types."""
    answer = Path(executor_input.outputs.output_file).read_text()
    left = json_format.Parse(answer, kfp.ExecutorOutput(), ignore_unknown_fields=True)
    published = {}
    for key, asked in executor_input.outputs.artifacts.items():
        artifact = kfp.RuntimeArtifact()
        artifact.CopyFrom(asked.artifacts[0])
        artifact.ClearField("type")
        if key in left.artifacts:
            artifact.uri = left.artifacts[key].artifacts[0].uri
            artifact.metadata.update(json_format.MessageToDict(left.artifacts[key].artifacts[0].metadata))
        published[key] = artifact
    return published
