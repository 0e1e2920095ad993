"""ML Metadata in the order of ids: that is the order in which things happened, whatever the clock said."""

import itertools
from collections.abc import Iterable
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata


class OrderedMetadata(metadata.Metadata):
    """TFX's connection with a store that returns artifacts in the order of the requested ids.

    TFX matches the artifacts of a reused execution with its outputs by their order. SQLite and MySQL return
    them by id. PostgreSQL returns the last written one last, which swaps outputs of one type, such as the two
    schemas.

    TFX reuses the execution that was created last by the clock. Here a later execution is never older than an
    earlier one, so that the newest is reused even if the clock went back.
    """

    def __enter__(self) -> "OrderedMetadata":
        super().__enter__()
        get_artifacts_by_id = self._store.get_artifacts_by_id

        def in_order(artifact_ids: Iterable[int], *args: Any, **kwargs: Any) -> list[mlmd.Artifact]:
            positions = {artifact_id: position for position, artifact_id in enumerate(artifact_ids)}
            artifacts = get_artifacts_by_id(list(positions), *args, **kwargs)
            return sorted(artifacts, key=lambda artifact: positions[artifact.id])

        get_executions_by_context = self._store.get_executions_by_context

        def never_older(*args: Any, **kwargs: Any) -> list[mlmd.Execution]:
            executions = sorted(get_executions_by_context(*args, **kwargs), key=lambda entry: entry.id)
            for before, after in itertools.pairwise(executions):
                after.create_time_since_epoch = max(
                    after.create_time_since_epoch, before.create_time_since_epoch + 1
                )
            return executions

        self._store.get_artifacts_by_id = in_order
        self._store.get_executions_by_context = never_older
        return self
