"""Runs a compiled file with Kubeflow Pipelines' own driver, launcher and compiler, without a cluster.

PETSEG_KFP_BINARIES names a folder with three programs of one release: `driver` and `launcher-v2`
(backend/src/v2/cmd of kubeflow/pipelines), and `compile-product`, which reads the two YAML documents of a
file (-file) and prints the Workflow that argocompiler.Compile makes of them for a root (-pipeline_root).
Argo's part is played here: the Workflow is walked, and a pod is a process in a mount namespace.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import PROJECT
from tests.e2e.kfp_services import Services
from tests.ports import LOOPBACK

BINARIES = os.environ.get("PETSEG_KFP_BINARIES")
POD = PROJECT / "tests/e2e/kfp_pod.sh"
UNSHARE = ["unshare", "--mount", "--propagation", "private"]
SECONDS = 1800


class PodFailed(Exception):
    """A pod that ended with another status than 0."""


@dataclass(frozen=True)
class Pod:
    """A pod that ended.

    Attributes:
        task: Path of its task in the Workflow.
        folder: Its /tmp, /minio, /s3 and /gcs lie there.
        status: Exit status.
        seconds: How long it took.
        log: What it printed.
    """

    task: str
    folder: Path
    status: int
    seconds: float
    log: str


@dataclass
class WorkflowRun:
    """One run of a compiled file.

    Attributes:
        file: What `compile --target kubeflow` wrote.
        root: What the client gives as the pipeline root; empty: the default of the namespace.
        services: Of the cluster; runs share its metadata and its cache.
        state: Folder for pods.
        volume: Folder that stands for every claimed volume.
        secrets: Keys and values of each Secret, by its name.
        pod_started: Called with each pod's process; its group is all of the pod.
        pods: All pods so far, in order.
        cached: Tasks that the cache answered.
    """

    file: Path
    root: str
    services: Services
    state: Path
    volume: Path
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    pod_started: Callable[[subprocess.Popen[str]], None] = lambda pod: None
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    pods: list[Pod] = field(default_factory=list)
    cached: set[str] = field(default_factory=set)

    def __post_init__(self):
        self._binaries = Path(BINARIES or "").resolve()
        compiled = subprocess.run(
            [self._binaries / "compile-product", "-file", self.file, "-pipeline_root", self.root],
            env=os.environ | {"PUBLISH_LOGS": "true"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert compiled.returncode == 0, f"the API server would refuse the file: {compiled.stderr}"
        spec = yaml.safe_load(compiled.stdout)["spec"]
        self._entrypoint = spec["entrypoint"]
        self._templates = {template["name"]: template for template in spec["templates"]}
        parameters = spec["arguments"]["parameters"]
        self._values = {f"workflow.parameters.{each['name']}": each["value"] for each in parameters}
        self._values |= {"workflow.uid": self.run_id, "workflow.name": f"run-{self.run_id[:8]}"}
        # Since 2.15 the driver is told of its services by options.
        said = subprocess.run(
            [self._binaries / "driver", "--help"], capture_output=True, text=True, check=False
        )
        self._driver_options = set(re.findall(r"^  -(\w+)", said.stderr, re.MULTILINE))

    def run(self, only: set[str] | None = None) -> None:
        """Runs all tasks, or only some with those that they need.

        Raises:
            PodFailed: A pod failed at its last try.
        """
        self._only = only
        try:
            self._template(self._entrypoint, {}, "")
        finally:
            print(self.table())

    def log_of(self, task: str) -> str:
        """What the last pod of a task printed."""
        return self.pods_of(task)[-1].log

    def pods_of(self, task: str) -> list[Pod]:
        """The pods of a task, one a try."""
        return [pod for pod in self.pods if pod.task == f"root/{task}/executor"]

    def table(self) -> str:
        """What ran, as a table in Markdown: each try's status of the launcher, and the step's last line."""
        lines = ["| task | try | launcher | seconds | last line |", "|---|---|---|---|---|"]
        lines += [f"| {task} | cached | | | |" for task in sorted(self.cached)]
        for task in dict.fromkeys(pod.task for pod in self.pods if pod.task.endswith("/executor")):
            for attempt, pod in enumerate(self.pods_of(task.split("/")[1]), 1):
                said = ["", *re.findall(r"petseg: (\w+ ended with .{,120})", pod.log)][-1]
                lines.append(
                    f"| {task.split('/')[1]} | {attempt} | {pod.status} | {pod.seconds:.1f} | {said} |"
                )
        return "\n".join(lines)

    def _template(self, name: str, given: dict[str, str], task: str) -> dict[str, str]:
        """Runs a template; returns its output parameters."""
        template, values = self._templates[name], dict(self._values)
        for parameter in template.get("inputs", {}).get("parameters", []):
            value = given.get(parameter["name"], parameter.get("default"))
            assert value is not None, f"{task}: no value for {parameter['name']}"
            values[f"inputs.parameters.{parameter['name']}"] = value
        if "dag" in template:
            self._dag(template["dag"]["tasks"], values, task)
            return {}
        return self._tried(template, values, task)

    def _dag(self, tasks: list[dict[str, Any]], values: dict[str, str], parent: str) -> None:
        waiting = {task["name"]: task for task in tasks if self._is_asked_for(parent, task["name"])}
        while waiting:
            task = next(
                task for task in waiting.values()
                if waiting.keys().isdisjoint(re.findall(r"([\w-]+)\.Succeeded", task.get("depends", "")))
            )  # fmt: skip
            del waiting[task["name"]]
            left, _, right = _filled(task.get("when", "a != b"), values).partition(" != ")
            if left == right:
                self.cached.add(parent.removeprefix("root/"))
                continue
            parameters = task.get("arguments", {}).get("parameters", [])
            given = {each["name"]: _filled(each["value"], values) for each in parameters}
            outputs = self._template(task["template"], given, f"{parent}/{task['name']}".strip("/"))
            values |= {
                f"tasks.{task['name']}.outputs.parameters.{key}": value for key, value in outputs.items()
            }

    def _is_asked_for(self, parent: str, name: str) -> bool:
        return parent != "root" or self._only is None or name.removesuffix("-driver") in self._only

    def _tried(self, template: dict[str, Any], values: dict[str, str], task: str) -> dict[str, str]:
        """Runs a pod as often as its retry strategy says (workflow/controller/operator.go of Argo)."""
        strategy = json.loads(_filled(json.dumps(template.get("retryStrategy", {})), values))
        longest, start = strategy.get("backoff", {}).get("maxDuration"), time.monotonic()
        for attempt in range(int(strategy.get("limit") or 0) + 1):
            if attempt and longest and time.monotonic() - start > float(longest.rstrip("s")):
                raise PodFailed(f"{task}: Max duration limit exceeded")
            pod, outputs = self._pod(template, values | {"retries": str(attempt)}, task)
            if pod.status == 0:
                return outputs
        raise PodFailed(f"{task} ended with {pod.status}:\n{pod.log[-4000:]}")

    def _pod(self, template: dict[str, Any], values: dict[str, str], task: str) -> tuple[Pod, dict[str, str]]:
        folder = self.state / f"{self.run_id[:8]}-{len(self.pods):02d}-{task.replace('/', '-')}"
        paths = {
            each["name"]: each["valueFrom"] for each in template.get("outputs", {}).get("parameters", [])
        }
        values = values | {f"outputs.parameters.{name}.path": path["path"] for name, path in paths.items()}
        container, mounts = template["container"], []
        if "podSpecPatch" in template:
            patch = json.loads(values["inputs.parameters.pod-spec-patch"])
            (patched,) = patch["containers"]
            environment = [*container.get("env", []), *patched.get("env", [])]
            container = {**container, **patched, "env": environment}
            claimed = {
                volume["name"] for volume in patch.get("volumes", []) if "persistentVolumeClaim" in volume
            }
            mounts = [
                each["mountPath"] for each in patched.get("volumeMounts", []) if each["name"] in claimed
            ]
        environment = self._environment(container, folder.name, mounts, values)
        command = [
            # Kubernetes' own variables.
            re.sub(r"\$\((\w+)\)", lambda match: environment.get(match[1], match[0]), _filled(word, values))
            for word in [*container["command"], *container.get("args", [])]
        ]
        start = time.monotonic()
        folder.mkdir(parents=True)
        process = subprocess.Popen(
            [*UNSHARE, POD, folder, PROJECT, *self._reachable(command)],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True,
        )  # fmt: skip
        self.pod_started(process)
        try:
            log, _ = process.communicate(timeout=SECONDS)
        finally:
            # What a pod leaves behind ends with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        pod = Pod(task, folder, process.returncode, time.monotonic() - start, log)
        self.pods.append(pod)
        return pod, {name: _output(folder, source) for name, source in paths.items()}

    def _environment(
        self, container: dict[str, Any], name: str, mounts: list[str], values: dict[str, str]
    ) -> dict[str, str]:
        """The image's variables, those of the cluster's services, and the container's own."""
        services = self.services
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "HOME": "/tmp",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "KUBERNETES_SERVICE_HOST": LOOPBACK,
            "KUBERNETES_SERVICE_PORT": str(services.kubernetes_port),
            "ML_PIPELINE_SERVICE_HOST": LOOPBACK,
            "ML_PIPELINE_SERVICE_PORT_GRPC": str(services.tasks_port),
            "POD_MOUNTS": "\n".join(f"{self.volume}:{path}" for path in mounts),
            "POD_SERVICE_ACCOUNT": str(services.service_account),
            "POD_LAUNCHER": str(self._binaries / "launcher-v2"),
        }
        for prefix in ("METADATA_GRPC_SERVICE", "METADATA_GRPC_SERVICE_SERVICE"):
            environment |= {f"{prefix}_HOST": LOOPBACK, f"{prefix}_PORT": str(services.metadata_port)}
        fields = {"metadata.name": name.lower(), "metadata.uid": str(uuid.uuid4())}
        for variable in container.get("env", []):
            source = variable.get("valueFrom", {})
            if "fieldRef" in source:
                value = fields[source["fieldRef"]["fieldPath"]]
            elif "secretKeyRef" in source:
                key = source["secretKeyRef"]
                value = self.secrets[key["name"]][key["key"]]
            else:
                value = _filled(variable.get("value", ""), values)
            environment[variable["name"]] = value
        return environment

    def _reachable(self, command: list[str]) -> list[str]:
        """The command with this machine's driver, and with the services' addresses here."""
        addresses: dict[str, object] = {
            "ml_pipeline_server_address": LOOPBACK,
            "ml_pipeline_server_port": self.services.tasks_port,
            "mlmd_server_address": LOOPBACK,
            "mlmd_server_port": self.services.metadata_port,
        }
        is_driver = command[0] == "driver"
        command = [str(self._binaries / "driver"), *command[1:]] if is_driver else list(command)
        for option, value in addresses.items():
            if f"--{option}" in command:
                command[command.index(f"--{option}") + 1] = str(value)
            elif is_driver and option in self._driver_options:
                command += [f"--{option}", str(value)]
        return command


def _output(folder: Path, source: dict[str, str]) -> str:
    file = folder / source["path"].lstrip("/")
    return file.read_text() if file.exists() else source.get("default", "")


def _filled(text: str, values: dict[str, str]) -> str:
    """Argo's {{...}} with values, where there are some."""
    return re.sub(r"\{\{=?([^{}$]+)\}\}", lambda match: values.get(match[1].strip(), match[0]), text)
