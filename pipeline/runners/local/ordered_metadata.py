"""ML Metadata as TFX expects it to answer."""

from collections.abc import Iterable
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata


class OrderedMetadata(metadata.Metadata):
    """TFX' connection, whose store gives artifacts in the order in which they were asked for.

    TFX pairs the artifacts of a reused execution with its outputs by their places in the two lists. SQLite
    and MySQL answer by number; PostgreSQL gives what was written last at the end, and outputs of one type
    change places: the two schemas, for one.
    """

    def __enter__(self) -> "OrderedMetadata":
        super().__enter__()
        answer = self._store.get_artifacts_by_id

        def in_order(artifact_ids: Iterable[int], *args: Any, **kwargs: Any) -> list[mlmd.Artifact]:
            places = {artifact_id: place for place, artifact_id in enumerate(artifact_ids)}
            artifacts = answer(list(places), *args, **kwargs)
            return sorted(artifacts, key=lambda artifact: places[artifact.id])

        self._store.get_artifacts_by_id = in_order
        return self
