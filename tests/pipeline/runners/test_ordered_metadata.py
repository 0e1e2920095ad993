"""The newest execution is the one with the highest number, whatever the clock said when it was created."""

import sqlite3

from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration.portable.mlmd import execution_lib

from pipeline.runners.local.metadata.ordered import OrderedMetadata
from pipeline.runners.local.metadata.store import sqlite_config


def test_tfx_takes_the_highest_number_although_the_clock_went_back(tmp_path):
    with OrderedMetadata(sqlite_config(tmp_path / "metadata.db")) as handle:
        store = handle.store
        kind = store.put_execution_type(mlmd.ExecutionType(name="Trainer"))
        numbers = [store.put_executions([mlmd.Execution(type_id=kind)])[0] for _ in range(3)]
        context_type = store.put_context_type(mlmd.ContextType(name="execution_cache"))
        (context,) = store.put_contexts([mlmd.Context(type_id=context_type, name="key")])
        store.put_attributions_and_associations(
            [], [mlmd.Association(context_id=context, execution_id=number) for number in numbers]
        )
    with sqlite3.connect(tmp_path / "metadata.db") as database:
        for number, created in zip(numbers, (5_000, 9_000, 1_000), strict=True):
            database.execute(
                "UPDATE Execution SET create_time_since_epoch = ? WHERE id = ?", (created, number)
            )
    with OrderedMetadata(sqlite_config(tmp_path / "metadata.db")) as handle:
        found = handle.store.get_executions_by_context(context)
        newest, *_ = execution_lib.sort_executions_newest_to_oldest(found)
    assert newest.id == numbers[-1]
