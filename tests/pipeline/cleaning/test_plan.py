"""What `clean` keeps and removes, on a store of ML Metadata with a few runs of two nodes."""

import shutil
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from petseg.versions import publish
from pipeline.cleaning.plan import carry_out, plan_cleaning
from pipeline.runners.local.metadata.store import sqlite_config

NODES = {"Trainer": "model", "RunReport": "report"}


class Output:
    """An output folder in which runs can be recorded."""

    def __init__(self, folder: Path, store: MetadataStore | None = None):
        self.folder = folder
        (folder / "logs").mkdir(parents=True)
        self.store = store or MetadataStore(sqlite_config(folder / "metadata.db"))
        self.root = folder / "pipeline_root"

    def run(self, name: str, reuse: dict[str, int] | None = None, nodes=tuple(NODES)) -> dict[str, int]:
        """Records a run; returns the execution that made each node's output, its own or a reused one."""
        (self.folder / "logs" / f"{name}.log").touch()
        run = self._context("pipeline_run", name)
        made: dict[str, int] = {}
        for node in nodes:
            execution = mlmd.Execution(type_id=self._type("execution", f"components.{node}"))
            execution.last_known_state = mlmd.Execution.COMPLETE
            (number,) = self.store.put_executions([execution])
            contexts = [run, self._context("node", f"petseg.{node}")]
            links = [mlmd.Association(execution_id=number, context_id=context) for context in contexts]
            self.store.put_attributions_and_associations([], links)
            made[node] = (reuse or {}).get(node, number)
            self._event(node, number, made[node])
        return made

    def _event(self, node: str, execution: int, maker: int) -> None:
        folder = self.root / node / NODES[node] / str(maker)
        known = [each.id for each in self.store.get_artifacts() if each.uri == str(folder)]
        if not known:
            file = folder / "Format-Serving" / "saved_model.pb"
            file.parent.mkdir(parents=True)
            file.write_bytes(str(maker).encode().ljust(1000))
            artifact = mlmd.Artifact(type_id=self._type("artifact", node), uri=str(folder))
            artifact.state = mlmd.Artifact.LIVE
            known = self.store.put_artifacts([artifact])
        event = mlmd.Event(execution_id=execution, artifact_id=known[0], type=mlmd.Event.OUTPUT)
        self.store.put_events([event])

    def _context(self, kind: str, name: str) -> int:
        found = self.store.get_context_by_type_and_name(kind, name)
        if found:
            return found.id
        return self.store.put_contexts([mlmd.Context(type_id=self._type("context", kind), name=name)])[0]

    def _type(self, kind: str, name: str) -> int:
        made = {"context": mlmd.ContextType, "execution": mlmd.ExecutionType, "artifact": mlmd.ArtifactType}
        return getattr(self.store, f"put_{kind}_type")(made[kind](name=name))

    def plan(self, keep: int, examples=()):
        return plan_cleaning(self.store, self.folder, str(self.folder / "serving_model"), keep, examples)

    def left(self) -> set[str]:
        return {str(path.relative_to(self.root)) for path in self.root.glob("*/*/*")}


@pytest.fixture
def output(tmp_path) -> Output:
    return Output(tmp_path / "out")


def names(made: dict[str, int]) -> set[str]:
    return {f"{node}/{NODES[node]}/{number}" for node, number in made.items()}


def test_the_newest_runs_with_a_report_and_all_since_stay(output):
    output.run("1")
    second = output.run("2")
    stopped = output.run("3", nodes=["Trainer"])
    plan = output.plan(keep=1)
    assert plan.kept_runs == {"2": "newest", "3": "newest"}
    assert (plan.freed_bytes, plan.kept_bytes) == (2000, 3000)
    assert len(output.left()) == 5
    carry_out(output.store, plan)
    assert output.left() == names(second) | names(stopped)
    states = {each.uri: each.state for each in output.store.get_artifacts()}
    live = {uri for uri, state in states.items() if state == mlmd.Artifact.LIVE}
    assert {str(Path(uri).relative_to(output.root)) for uri in live} == output.left()
    assert output.plan(keep=1).removed == []


def test_what_a_kept_run_reused_stays(output):
    first = output.run("1")
    output.run("2", reuse={"Trainer": first["Trainer"]})
    carry_out(output.store, output.plan(keep=1))
    assert f"Trainer/model/{first['Trainer']}" in output.left()
    assert f"RunReport/report/{first['RunReport']}" not in output.left()


def test_all_stay_where_there_are_fewer_runs(output):
    output.run("1")
    assert output.plan(keep=2).removed == []


def test_the_run_whose_model_is_in_production_stays_also_after_a_rollback(output):
    first = output.run("1")
    output.run("2")
    output.run("3")
    model = output.root / "Trainer" / "model" / str(first["Trainer"]) / "Format-Serving"
    publish(model, str(output.folder / "serving_model"))
    plan = output.plan(keep=1)
    assert plan.kept_runs == {"1": "its model is in production", "3": "newest"}


def test_examples_of_an_unfinished_training_stay(output):
    first = output.run("1")
    output.run("2")
    pattern = f"{output.root}/Trainer/model/{first['Trainer']}/Split-train/*"
    plan = output.plan(keep=1, examples=[pattern, "/elsewhere/Split-train/*"])
    assert plan.kept_runs == {"1": "a training on its examples is unfinished", "2": "newest"}


def test_what_a_run_of_another_folder_uses_stays(output, tmp_path):
    first = output.run("1")
    other = Output(tmp_path / "other", output.store)
    other.root = output.root
    other.run("elsewhere", reuse={"Trainer": first["Trainer"]}, nodes=["Trainer"])
    output.run("2")
    plan = output.plan(keep=1)
    assert [folder.path.parts[-3:-1] for folder in plan.removed] == [("RunReport", "report")]


def test_files_that_are_linked_from_a_pushed_version_free_nothing(output):
    first = output.run("1")
    model = output.root / "Trainer" / "model" / str(first["Trainer"]) / "Format-Serving"
    publish(model, str(output.folder / "serving_model"))
    second = output.run("2")
    publish(
        output.root / "Trainer" / "model" / str(second["Trainer"]) / "Format-Serving",
        str(output.folder / "serving_model"),
    )
    freed = {folder.path.parts[-3]: folder.bytes for folder in output.plan(keep=1).removed}
    assert freed == {"Trainer": 0, "RunReport": 1000}


def test_what_another_store_knows_stays(output):
    output.run("1")
    output.run("2")
    unknown = output.root / "Trainer" / "model" / "999"
    unknown.mkdir()
    assert unknown not in [folder.path for folder in output.plan(keep=1).removed]


def test_what_a_killed_cleaning_left_is_removed_and_kept_by_no_run(output):
    output.run("1")
    output.run("2")
    plan = output.plan(keep=1)
    gone = {folder.path for folder in plan.removed}
    marked = [each for each in output.store.get_artifacts() if Path(each.uri) in gone]
    for artifact in marked:
        artifact.state = mlmd.Artifact.DELETED
    output.store.put_artifacts(marked)
    assert {folder.path for folder in output.plan(keep=2).removed} == gone


def test_a_copied_folder_that_is_cleaned_marks_nothing_of_the_original(output, tmp_path):
    output.run("1")
    output.run("2")
    copy = Output(tmp_path / "copy", output.store)
    shutil.copytree(output.root, copy.root)
    for name in ("1", "2"):
        (copy.folder / "logs" / f"{name}.log").touch()
    carry_out(copy.store, copy.plan(keep=1))
    assert len(copy.left()) == 2
    assert all(each.state == mlmd.Artifact.LIVE for each in output.store.get_artifacts())
    assert len(output.left()) == 4
