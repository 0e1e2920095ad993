"""What the driver of open-source Kubeflow Pipelines does before a step, and its ML Metadata.

Each behavior names its source: a path in https://github.com/kubeflow/pipelines below backend/src/v2, at tag
2.16.1 unless another one is given.
"""

import hashlib
import itertools
import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as kfp

JsonObject = dict[str, Any]

Layout = Literal["2.5", "2.16"]
"""Release of Kubeflow Pipelines whose files and names a step gets."""

FOLDERS = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/"}
"""component/launcher_v2.go:1208-1222, LocalPathForURI."""

NAMESPACE_ROOT = "minio://mlpipeline/v2/artifacts"
"""config/env.go:38: the root of a run whose runtime configuration has none (driver/root_dag.go:97-115)."""


class Refused(Exception):
    """The driver or the launcher ends with an error, however the step itself ended."""


@dataclass
class Stored:
    """An artifact in ML Metadata.

    Attributes:
        id: Its id.
        uri: On the object store.
        properties: Custom properties. Of the kinds of values that the launcher stores.
    """

    id: int
    uri: str
    properties: JsonObject

    def as_input(self) -> JsonObject:
        """The artifact as the next step gets it: metadata/converter.go:181-221, driver/driver.go of
        2.5.0:1997.

        Its name is its id, its type is empty.
        """
        return {
            "name": str(self.id),
            "type": {"instanceSchema": ""},
            "uri": self.uri,
            "metadata": dict(self.properties),
        }


@dataclass
class Metadata:
    """ML Metadata, as far as artifacts go."""

    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def record(self, key: str, artifact: JsonObject) -> Stored:
        """Records an output: metadata/client.go:1131-1191, RecordArtifact.

        Raises:
            Refused: A value of its metadata cannot be stored.
        """
        values = artifact.get("metadata", {}).items()
        properties = {name: _stored_value(name, value) for name, value in values}
        properties.setdefault("display_name", key)
        properties.setdefault("store_session_info", json.dumps({"Provider": "minio", "Params": {}}))
        return Stored(next(self.ids), artifact["uri"], properties)


def _stored_value(name: str, value: Any) -> Any:
    """metadata/converter.go:138-171, StructValueToMLMDValue, and back as in :194-212."""
    if value is None:
        raise Refused(f"{name}: unknown/unsupported value type *structpb.Value_NullValue")
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, list):
        return {"list": value}
    if isinstance(value, dict):
        return {"struct": value}
    return value


def local_path(artifact: JsonObject, layout: Layout) -> str:
    """component/launcher_v2.go:1224-1232, retrieveArtifactPath; 2.5.0 knows no customPath (:882-896).

    Raises:
        Refused: The URI has no known scheme.
    """
    if layout == "2.16" and artifact.get("customPath"):
        return artifact["customPath"]
    for scheme, folder in FOLDERS.items():
        if artifact["uri"].startswith(scheme):
            return folder + artifact["uri"].removeprefix(scheme)
    raise Refused(f"failed to generate local path for URI {artifact['uri']}: unsupported storage scheme")


def provision_outputs(layout: Layout, run_root: str, task: str, component: kfp.ComponentSpec) -> JsonObject:
    """The outputs that a step is asked for: driver/driver.go:695-764; 2.5.0: :2010-2061."""
    task_root = f"{run_root}/{task}/{uuid.uuid4()}"
    types = {
        key: json_format.MessageToDict(definition.artifact_type)
        for key, definition in component.output_definitions.artifacts.items()
    }
    # By the driver's default, for the step's log: driver.go:709-721; 2.5.0: :2025-2037.
    types["executor-logs"] = {"schemaTitle": "system.Artifact"}
    artifacts = {}
    for key, artifact_type in types.items():
        artifact = {"uri": f"{task_root}/{key}", "type": artifact_type}
        if layout == "2.16":
            artifact["name"] = key
        artifacts[key] = {"artifacts": [artifact]}
    folder = local_path({"uri": task_root}, layout)
    return {
        "artifacts": artifacts,
        "parameters": {
            key: {"outputFile": f"/tmp/kfp/outputs/{key}"} for key in component.output_definitions.parameters
        },
        "outputFile": f"{folder}/output_metadata.json"
        if layout == "2.16"
        else "/tmp/kfp_outputs/output_metadata.json",
    }


def cache_key(executor_input: JsonObject, container: JsonObject, claims: list[str]) -> str:
    """cacheutils/cache.go:173-229: ids of the inputs, values, the outputs without URIs, image and command."""
    inputs = executor_input["inputs"]
    names = {
        key: [artifact["name"] for artifact in listed.get("artifacts", [])]
        for key, listed in inputs.get("artifacts", {}).items()
    }
    outputs = {
        key: {name: value for name, value in listed["artifacts"][0].items() if name != "uri"}
        for key, listed in executor_input["outputs"]["artifacts"].items()
    }
    parameters = sorted(executor_input["outputs"]["parameters"])
    command = [*container["command"], *container.get("args", [])]
    compared = [
        names,
        inputs.get("parameterValues", {}),
        outputs,
        parameters,
        container["image"],
        command,
        claims,
    ]
    return hashlib.sha256(json.dumps(compared, sort_keys=True).encode()).hexdigest()
