"""Earlier runs in ML Metadata: why a node runs again, and where its last outputs are."""

import json
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata

SUCCEEDED = (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED)
READABLE = {
    "code": "its code",
    "fingerprint": "the files of the data",
    "version": "the version in production",
}


def why_it_runs(handle: metadata.Metadata, node_id: str, execution_id: int, pipeline: str) -> str:
    """Returns what differs from the node's last success: `first run`, `changed: ...` or `new input: ...`.

    Args:
        handle: ML Metadata, entered.
        node_id: The node.
        execution_id: The execution that is about to run.
        pipeline: Name of the pipeline.
    """
    executions = _executions(handle, node_id, pipeline)
    current = next((entry for entry in executions if entry.id == execution_id), None)
    earlier = [entry for entry in executions if entry.id < execution_id]
    last = _last_success(earlier)
    if current is None or last is None:
        return "first run"
    changed = _changed_properties(_properties(last), _properties(current))
    if changed:
        return f"changed: {', '.join(changed)}"
    renewed = _renewed_inputs(_inputs(handle, last.id), _inputs(handle, current.id))
    if renewed:
        return f"new input: {', '.join(renewed)}"
    return "its outputs are gone, or the engine's arguments changed"


def output_uris(handle: metadata.Metadata, node_id: str, key: str, pipeline: str) -> list[str]:
    """URIs of an output in all successful executions of a node."""
    succeeded = [e for e in _executions(handle, node_id, pipeline) if e.last_known_state in SUCCEEDED]
    found = (output_uri(handle, execution.id, key) for execution in succeeded)
    return [uri for uri in found if uri]


def output_uri(handle: metadata.Metadata, execution_id: int, key: str) -> str | None:
    """URI of an execution's output; None if it has none."""
    events = handle.store.get_events_by_execution_ids([execution_id])
    outputs = [event for event in events if event.type == mlmd.Event.OUTPUT]
    ids = [event.artifact_id for event in outputs if event.path.steps[0].key == key]
    artifacts = handle.store.get_artifacts_by_id(ids)
    return artifacts[0].uri if artifacts else None


def _executions(handle: metadata.Metadata, node_id: str, pipeline: str) -> list[mlmd.Execution]:
    context = handle.store.get_context_by_type_and_name("node", f"{pipeline}.{node_id}")
    return handle.store.get_executions_by_context(context.id) if context else []


def _last_success(executions: list[mlmd.Execution]) -> mlmd.Execution | None:
    succeeded = [entry for entry in executions if entry.last_known_state in SUCCEEDED]
    return max(succeeded, key=lambda entry: entry.id, default=None)


def _properties(execution: mlmd.Execution) -> dict[str, Any]:
    values = {
        key: getattr(value, value.WhichOneof("value")) for key, value in execution.custom_properties.items()
    }
    return {key: value for key, value in values.items() if not key.startswith("__")}


def _changed_properties(last: dict[str, Any], current: dict[str, Any]) -> list[str]:
    changed = []
    for key in sorted(last.keys() | current.keys()):
        if last.get(key) != current.get(key):
            inside = _changed_keys(_decoded(last.get(key)), _decoded(current.get(key)))
            changed.extend(inside or [READABLE.get(key, key)])
    return changed


def _decoded(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _changed_keys(last: Any, current: Any, prefix: str = "") -> list[str]:
    """Dotted keys of settings that differ; also of JSON inside JSON strings."""
    last, current = _decoded(last), _decoded(current)
    if not isinstance(last, dict) or not isinstance(current, dict):
        return [READABLE.get(prefix, prefix)] if prefix and last != current else []
    changed = []
    for key in sorted(last.keys() | current.keys()):
        changed += _changed_keys(last.get(key), current.get(key), f"{prefix}.{key}" if prefix else key)
    return changed


def _inputs(handle: metadata.Metadata, execution_id: int) -> dict[str, set[int]]:
    artifacts: dict[str, set[int]] = {}
    for event in handle.store.get_events_by_execution_ids([execution_id]):
        if event.type == mlmd.Event.INPUT:
            artifacts.setdefault(event.path.steps[0].key, set()).add(event.artifact_id)
    return artifacts


def _renewed_inputs(last: dict[str, set[int]], current: dict[str, set[int]]) -> list[str]:
    return [key for key in sorted(current) if current[key] != last.get(key)]
