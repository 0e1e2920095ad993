"""Lineage of artifacts from ML Metadata: which node of which run made each of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata


@dataclass(frozen=True)
class TracedArtifact:
    """An artifact that a run made or reused.

    Attributes:
        id: In ML Metadata.
        type_name: Such as `Model`.
        uri: Its folder.
        node: Node that made it.
        key: Name of that node's output.
        readers: Nodes of the present run that read it.
    """

    id: int
    type_name: str
    uri: str
    node: str
    key: str
    readers: tuple[str, ...]


@dataclass(frozen=True)
class Origin:
    """Where the outputs of a node come from: the present run, or the one whose outputs it reused.

    Attributes:
        run_id: Run in which the node ran.
        seconds: How long it took then, by ML Metadata's clock.
    """

    run_id: str
    seconds: float


@dataclass(frozen=True)
class Lineage:
    """Artifacts that a run's nodes made and read.

    Attributes:
        origins: By node.
        artifacts: All artifacts that its nodes made, reused or read, in order of creation.
    """

    origins: dict[str, Origin]
    artifacts: list[TracedArtifact]


def trace(handle: metadata.Metadata, executions: Mapping[str, int]) -> Lineage:
    """Traces the artifacts of a run back to where they were made.

    Args:
        handle: ML Metadata, entered.
        executions: Id of the execution of each node of the run, in the order in which they ran.
    """
    store = handle.store
    readers: dict[int, list[str]] = {}
    for node, execution_id in executions.items():
        for event in store.get_events_by_execution_ids([execution_id]):
            read_here = [node] if event.type == mlmd.Event.INPUT else []
            readers.setdefault(event.artifact_id, []).extend(read_here)
    origins: dict[str, Origin] = {}
    artifacts = []
    for artifact in sorted(store.get_artifacts_by_id(list(readers)), key=lambda one: one.id):
        event = _made(store, artifact.id)
        node, origin = _origin(store, event.execution_id)
        origins[node] = origin
        artifacts.append(
            TracedArtifact(
                id=artifact.id,
                type_name=artifact.type,
                uri=artifact.uri,
                node=node,
                key=event.path.steps[0].key,
                readers=tuple(readers[artifact.id]),
            )
        )
    return Lineage(origins, artifacts)


def _made(store: Any, artifact_id: int) -> mlmd.Event:
    """The event that created the artifact. Each execution that reused it has it as an output, too."""
    events = store.get_events_by_artifact_ids([artifact_id])
    outputs = [event for event in events if event.type == mlmd.Event.OUTPUT]
    return min(outputs, key=lambda event: event.execution_id)


def _origin(store: Any, execution_id: int) -> tuple[str, Origin]:
    """Node and origin of an execution."""
    contexts = {context.type: context.name for context in store.get_contexts_by_execution(execution_id)}
    (execution,) = store.get_executions_by_id([execution_id])
    took = execution.last_update_time_since_epoch - execution.create_time_since_epoch
    # The context of a node is called PIPELINE.NODE.
    return contexts["node"].split(".", 1)[1], Origin(contexts["pipeline_run"], took / 1000)
