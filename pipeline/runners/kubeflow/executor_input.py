"""What TFX's command is given of kfp's ExecutorInput: artifacts that it knows, with their types.

ExecutorInput is used as the JSON that the launcher writes:
https://github.com/kubeflow/pipelines/blob/2.16.1/api/v2alpha1/pipeline_spec.proto, message ExecutorInput.
"""

import copy
from collections.abc import Iterator
from typing import Any

import yaml

JsonObject = dict[str, Any]

KNOWN_PACKAGES = ("tfx.", "components.")
"""Beginnings of the titles of artifact types that TFX's command can import."""

IN_PLACE = "--in_place"
"""Option of a step that works on the artifacts themselves instead of copies, for workers outside its pod."""

CLUSTER_KEYS = {"model_run": "training_run"}
"""Outputs that have another key on a cluster: none may begin with the key of another output of its node.

Before 2.17 the launcher downloads all objects whose names begin with that of an input, `.../model_run` with
`.../model`: https://github.com/kubeflow/pipelines/blob/2.16.1/backend/src/v2/objectstore/object_store.go,
DownloadBlob.
"""


def for_tfx(executor_input: JsonObject, inputs_spec: JsonObject) -> JsonObject:
    """Returns the input without what TFX does not know, and with the type of each input artifact.

    Open-source Kubeflow adds an output `executor-logs`, and the compiler adds outputs for the cluster's web
    pages; TFX would try to import their types. Kubeflow passes input artifacts without their types, or with
    types of its own, for which TFX finds no class (https://github.com/tensorflow/tfx/issues/7768). The types
    are in the compiled spec.

    Args:
        executor_input: As the launcher gives it.
        inputs_spec: kfp's ComponentInputsSpec of the component.
    """
    known = copy.deepcopy(executor_input)
    specified = inputs_spec.get("artifacts", {})
    inputs, outputs = known.get("inputs", {}), known.get("outputs", {})
    for key in set(inputs.get("artifacts", {})) - set(specified):
        del inputs["artifacts"][key]
    for key, artifact in artifacts_of(inputs):
        artifact["type"] = specified[key]["artifactType"]
    for key in _foreign(outputs):
        del outputs["artifacts"][key]
    for key, on_cluster in CLUSTER_KEYS.items():
        if on_cluster in outputs.get("artifacts", {}):
            outputs["artifacts"][key] = outputs["artifacts"].pop(on_cluster)
    # TFX fills parameters from value artifacts, which no node has.
    outputs.pop("parameters", None)
    return known


def artifacts_of(half: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Yields each artifact of the inputs or outputs with its key; an empty list of artifacts is `{}`."""
    for key, listed in half.get("artifacts", {}).items():
        for artifact in listed.get("artifacts", ()):
            yield key, artifact


def _foreign(outputs: JsonObject) -> set[str]:
    return {key for key, artifact in artifacts_of(outputs) if not _is_known(artifact.get("type", {}))}


def _is_known(artifact_type: JsonObject) -> bool:
    if schema := artifact_type.get("instanceSchema"):
        return yaml.safe_load(schema).get("title", "").startswith(KNOWN_PACKAGES)
    return artifact_type.get("schemaTitle", "").startswith(KNOWN_PACKAGES)
