"""What a cluster is told of a step's outputs: kfp's ExecutorOutput, as JSON.

Values of metadata must be what the launcher can store:
https://github.com/kubeflow/pipelines/blob/2.16.1/backend/src/v2/metadata/converter.go,
StructValueToMLMDValue. It refuses null, and stores objects and lists in a wrapping that comes back to the
next step.
"""

import hashlib
import json
from typing import Any

from petseg.files.originals import with_originals
from pipeline.runners.kubeflow.executor_input import CLUSTER_KEYS, JsonObject, artifacts_of


def for_cluster(executor_output: JsonObject, executor_input: JsonObject, *, keep_uris: bool) -> JsonObject:
    """Returns the output of TFX's command as the cluster can take it.

    Args:
        executor_output: As TFX wrote it.
        executor_input: As the launcher gave it.
        keep_uris: Whether the cluster reads where an artifact is. The launcher of open-source Kubeflow must
            not: it would not upload what is said to be at a local path.
    """
    names = _names_by_id(executor_input)
    artifacts = {}
    for key, artifact in artifacts_of(executor_output):
        metadata = {
            name: _storable(value, names)
            for name, value in artifact.get("metadata", {}).items()
            if value is not None
        }
        kept = {name: value for name, value in artifact.items() if name != "uri"}
        if keep_uris and "uri" in artifact:
            kept["uri"] = with_originals(artifact["uri"])
        artifacts[CLUSTER_KEYS.get(key, key)] = {"artifacts": [{**kept, "metadata": metadata}]}
    return {**executor_output, "artifacts": artifacts}


def _storable(value: Any, names: dict[float, str]) -> str | float | bool:
    if isinstance(value, dict | list):
        return with_originals(json.dumps(value, sort_keys=True))
    if isinstance(value, str):
        return with_originals(value)
    return names.get(value, value)


def _names_by_id(executor_input: JsonObject) -> dict[float, str]:
    """Names of the input artifacts by the ids that TFX gives them, as JSON rounds those.

    An id of 63 bits is not a number in JSON. The name of an input artifact is its id in ML Metadata. TFX does
    the same for its own Evaluator only (kubeflow_v2_entrypoint_utils.py, refactor_model_blessing).
    """
    artifacts = artifacts_of(executor_input.get("inputs", {}))
    names = (artifact["name"] for _, artifact in artifacts if artifact.get("name"))
    return {float(int(hashlib.sha256(name.encode()).hexdigest(), 16) % (1 << 63)): name for name in names}
