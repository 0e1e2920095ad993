"""Why a node runs again, told by comparing its execution with the last one that succeeded."""

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
    store = handle.store
    context = store.get_context_by_type_and_name("node", f"{pipeline}.{node_id}")
    executions = store.get_executions_by_context(context.id) if context else []
    current = next((entry for entry in executions if entry.id == execution_id), None)
    earlier = [
        entry for entry in executions if entry.last_known_state in SUCCEEDED and entry.id < execution_id
    ]
    if current is None or not earlier:
        return "first run"
    last = max(earlier, key=lambda entry: entry.id)
    changed = _changed_properties(_properties(last), _properties(current))
    if changed:
        return f"changed: {', '.join(changed)}"
    renewed = _renewed_inputs(_inputs(handle, last.id), _inputs(handle, current.id))
    if renewed:
        return f"new input: {', '.join(renewed)}"
    return "its outputs are gone, or the engine's arguments changed"


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
    """Dotted keys that differ between two settings; JSON inside a JSON string is opened too."""
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
