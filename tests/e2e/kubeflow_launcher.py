"""What the launcher of open-source Kubeflow Pipelines does around a step's command.

Each behavior names its source: a path in https://github.com/kubeflow/pipelines below backend/src/v2, at tag
2.16.1 unless another one is given.
"""

import contextlib
import json
import os
import posixpath
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import s3fs

from tests.e2e.kubeflow_driver import JsonObject, Layout, Metadata, Refused, Stored, local_path

PROJECT = Path(__file__).resolve().parents[2]
POD = PROJECT / "tests/e2e/kfp_pod.sh"
UNSHARE = ["unshare", "--mount", "--propagation", "private"]
SECONDS = 900


@dataclass(frozen=True)
class Result:
    """How a step's command ended.

    Attributes:
        status: Exit status of the command; the launcher's own is 1 for every other than 0.
        log: What it printed, standard error among it: launcher_v2.go:675-686.
    """

    status: int
    log: str


@dataclass
class Launcher:
    """Runs commands in pods, and copies artifacts between pods and the object store.

    Attributes:
        layout: Release whose launcher it is.
        metadata: Where outputs are recorded.
        claims: Folders of this machine by the paths at which each pod mounts them.
        environment: Variables that each pod gets from secrets.
        pod_started: Called with each pod's process; its group is all of the pod.
    """

    layout: Layout
    metadata: Metadata
    claims: dict[str, Path] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    pod_started: Callable[[subprocess.Popen[str]], None] = lambda pod: None

    def run(self, pod: Path, command: list[str], executor_input: JsonObject) -> Result:
        """Runs a command with its inputs downloaded; launcher_v2.go:626-689, execute."""
        pod.mkdir(parents=True)
        for artifact in _artifacts(executor_input["inputs"]):
            self._download(artifact["uri"], _inside(pod, local_path(artifact, self.layout)))
        # The parents only: launcher_v2.go:1249-1276, prepareOutputFolders.
        outputs = executor_input["outputs"]
        paths = [local_path(artifact, self.layout) for artifact in _artifacts(outputs)]
        for path in (*paths, *(parameter["outputFile"] for parameter in outputs["parameters"].values())):
            _inside(pod, path).parent.mkdir(parents=True, exist_ok=True)
        # {{$}} is the input in protojson: launcher_v2.go:1020-1043.
        words = [word.replace("{{$}}", json.dumps(executor_input)) for word in command]
        started = subprocess.Popen(
            [*UNSHARE, POD, pod, PROJECT, *words],
            env=_image_environment() | self.environment | self._own_variables(pod) | {
                "POD_MOUNTS": "\n".join(f"{folder}:{path}" for path, folder in self.claims.items()),
            },
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True,
        )  # fmt: skip
        self.pod_started(started)
        try:
            log, _ = started.communicate(timeout=SECONDS)
        finally:
            # What a pod leaves behind ends with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
        return Result(started.returncode, log)

    def _own_variables(self, pod: Path) -> dict[str, str]:
        """Of each step: argocompiler/common.go."""
        return {"KFP_POD_NAME": pod.name}

    def publish(self, pod: Path, executor_input: JsonObject) -> tuple[dict[str, Stored], JsonObject]:
        """Uploads and records what a command left; launcher_v2.go:747-825, uploadOutputArtifacts.

        Returns:
            Output artifacts, and values of output parameters.

        Raises:
            Refused: What it left cannot be stored.
        """
        asked = executor_input["outputs"]
        output_file = _inside(pod, asked["outputFile"])
        # No file is an empty answer: launcher_v2.go:1184-1190.
        left = json.loads(output_file.read_text()) if output_file.exists() else {}
        values = left.get("parameterValues", {})
        for key, parameter in asked["parameters"].items():
            if key not in values:
                # launcher_v2.go:453-484, collectOutputParameters.
                file = _inside(pod, parameter["outputFile"])
                if not file.exists():
                    raise Refused(f"failed to read output parameter name={key}")
                values[key] = file.read_text()
        stored = {}
        for key, listed in asked["artifacts"].items():
            if key == "executor-logs":
                continue
            artifact = dict(listed["artifacts"][0])
            answered = left.get("artifacts", {}).get(key, {}).get("artifacts", [])
            if answered:
                # launcher_v2.go:1157-1175, mergeRuntimeArtifacts.
                artifact["uri"] = answered[0].get("uri") or artifact["uri"]
                artifact["metadata"] = {**artifact.get("metadata", {}), **answered[0].get("metadata", {})}
            # A URI of no known scheme is not uploaded, and the next step's launcher fails on it:
            # launcher_v2.go:780-788, :975-1016 (fetchNonDefaultBuckets).
            self._upload(_inside(pod, local_path(artifact, self.layout)), artifact["uri"])
            stored[key] = self.metadata.record(key, artifact)
        return stored, values

    def _download(self, uri: str, folder: Path) -> None:
        """All objects whose key begins with the URI's: objectstore/object_store.go:127-154, DownloadBlob.

        So `.../model` brings `.../model_run` too. An input without objects leaves no folder.
        """
        store, key = _store(uri)
        parent, name = posixpath.split(key)
        for found in store.find(parent):
            if found.startswith(f"{parent}/{name}"):
                target = Path(os.path.normpath(folder / os.path.relpath(found, key)))
                target.parent.mkdir(parents=True, exist_ok=True)
                store.get_file(found, str(target))

    def _upload(self, path: Path, uri: str) -> None:
        """A file, or all files below a folder: objectstore/object_store.go:92-125, UploadBlob.

        What does not exist is not uploaded (launcher_v2.go:793-806), and no empty folder is.
        """
        store, key = _store(uri)
        if path.is_file():
            store.put_file(str(path), key)
        for file in path.rglob("*"):
            if file.is_file():
                store.put_file(str(file), f"{key}/{file.relative_to(path)}")


def can_make_pods() -> bool:
    """Whether this machine lets this user make mount namespaces."""
    return os.geteuid() == 0 and subprocess.run([*UNSHARE, "true"], check=False).returncode == 0


def read_object(uri: str) -> bytes:
    """Content of an object."""
    store, key = _store(uri)
    return store.cat_file(key)


def list_objects(uri: str) -> list[str]:
    """Keys of all objects below a URI, relative to it."""
    store, key = _store(uri)
    return sorted(os.path.relpath(found, key) for found in store.find(key))


def _store(uri: str) -> tuple[s3fs.S3FileSystem, str]:
    """moto's S3 for each scheme: buckets and keys are all that the schemes share."""
    return s3fs.S3FileSystem(use_listings_cache=False), uri.partition("://")[2]


def _inside(pod: Path, path: str) -> Path:
    """A path of the pod as this process sees it."""
    return pod / path.lstrip("/")


def _artifacts(half: JsonObject) -> list[JsonObject]:
    return [
        artifact for listed in half.get("artifacts", {}).values() for artifact in listed.get("artifacts", [])
    ]


def _image_environment() -> dict[str, str]:
    """What the image brings: its Python first, the project importable, and nothing of this process."""
    kept = {name: os.environ[name] for name in ("HOME", "LD_LIBRARY_PATH") if name in os.environ}
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(PROJECT),
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
