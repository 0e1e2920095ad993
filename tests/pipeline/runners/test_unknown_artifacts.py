"""A pipeline_root whose artifacts the metadata store does not know."""

from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from petseg.errors import UserError
from pipeline.runners.local.metadata.store import sqlite_config
from pipeline.runners.local.metadata.unknown_artifacts import check_all_known

NODE, OUTPUT = "Transform", "transformed_examples"


class Output:
    """An output folder with a store in which executions of one node are registered."""

    def __init__(self, folder: Path):
        self.root = folder / "pipeline_root"
        self.open(folder / "metadata.db")

    def open(self, database: Path) -> None:
        self.store = MetadataStore(sqlite_config(database))
        self._execution_type = self.store.put_execution_type(mlmd.ExecutionType(name=NODE))
        self._artifact_type = self.store.put_artifact_type(mlmd.ArtifactType(name="Examples"))
        context_type = self.store.put_context_type(mlmd.ContextType(name="node"))
        (self._context,) = self.store.put_contexts(
            [mlmd.Context(type_id=context_type, name=f"petseg.{NODE}")]
        )

    def execute(self, state=mlmd.Execution.COMPLETE) -> Path:
        """Registers an execution; one that is COMPLETE has an artifact. Returns the folder that it wrote."""
        execution = mlmd.Execution(type_id=self._execution_type, last_known_state=state)
        (number,) = self.store.put_executions([execution])
        self.store.put_attributions_and_associations(
            [], [mlmd.Association(context_id=self._context, execution_id=number)]
        )
        folder = self.root / NODE / OUTPUT / str(number)
        folder.mkdir(parents=True)
        if state == mlmd.Execution.COMPLETE:
            (artifact,) = self.store.put_artifacts(
                [mlmd.Artifact(type_id=self._artifact_type, uri=str(folder))]
            )
            event = mlmd.Event(execution_id=number, artifact_id=artifact, type=mlmd.Event.OUTPUT)
            self.store.put_events([event])
        return folder

    def check(self) -> None:
        check_all_known(self.store, self.root, "metadata.db")


@pytest.fixture
def output(tmp_path):
    return Output(tmp_path / "out") if (tmp_path / "out").mkdir() is None else None


def test_a_new_output_and_one_that_was_run_in_are_fine(output):
    output.check()
    output.execute()
    output.execute()
    (output.root / NODE / ".system" / "9").mkdir(parents=True)
    (output.root / "checkpoints").mkdir()
    output.check()


def test_what_a_killed_node_left_is_no_unknown_artifact(output):
    output.execute()
    output.execute(mlmd.Execution.RUNNING)
    output.execute(mlmd.Execution.FAILED)
    output.check()


def test_a_moved_output_is_fine(output, tmp_path):
    output.execute()
    (tmp_path / "out").rename(tmp_path / "moved")
    moved = Output.__new__(Output)
    moved.root = tmp_path / "moved" / "pipeline_root"
    moved.store = MetadataStore(sqlite_config(tmp_path / "moved" / "metadata.db"))
    moved.check()


def test_artifacts_of_a_removed_store_are_refused_with_a_command_that_keeps_them(output, tmp_path):
    folder = output.execute()
    (tmp_path / "out" / "metadata.db").unlink()
    output.open(tmp_path / "out" / "metadata.db")
    with pytest.raises(UserError) as refused:
        output.check()
    assert f"{NODE}/{OUTPUT}/{folder.name}" in str(refused.value)
    assert f"mv {output.root} {output.root}.old" in str(refused.value)
    assert "\n" not in str(refused.value)
    output.root.with_name("pipeline_root.old").mkdir()
    with pytest.raises(UserError, match=r"pipeline_root\.old1"):
        output.check()


def test_artifacts_newer_than_a_restored_store_are_refused(output):
    output.execute()
    output.check()
    (output.root / NODE / OUTPUT / "9").mkdir()
    with pytest.raises(UserError, match=f"{NODE}/{OUTPUT}/9"):
        output.check()


def test_a_store_with_another_nodes_execution_of_that_number_does_not_know_it(output):
    folder = output.execute()
    folder.parents[1].rename(output.root / "Trainer")
    with pytest.raises(UserError, match="Trainer/"):
        output.check()
