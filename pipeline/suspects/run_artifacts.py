"""Finds what a run left in ML Metadata: its model and the raw examples of its splits."""

from collections.abc import Iterator
from pathlib import Path

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from petseg.errors import UserError
from petseg.saved_model import MODEL_SETTINGS, SERVING_FOLDER
from pipeline.runners.local.metadata.store import VARIABLE_PREFIX, open_store
from pipeline.runs.run_folder import RunFolder, list_runs

MODEL = {("Trainer", "model"), ("Evaluator", "model"), ("RunReport", "model")}
EXAMPLES = {("SegmentationExampleGen", "examples"), ("Evaluator", "examples"), ("RunReport", "examples")}
"""Nodes and keys of what they write or read. A run that begins later has only some of them."""


def choose_run(output: Path, run_id: str | None) -> RunFolder:
    """A run of an output folder by its id; None: the newest that has evaluated a model.

    Raises:
        UserError: There is no run, or none of that id, or none has evaluated a model.
    """
    runs = list_runs(output)
    if run_id is None:
        evaluated = [run for run in runs if run.metrics["model"]]
        if not evaluated:
            raise UserError(f"{output}: no run has evaluated a model; the newest stopped: {_why(runs[-1])}")
        return evaluated[-1]
    for run in runs:
        if run.run_id == run_id:
            return run
    raise UserError(f"--run {run_id}: no such run in {output}; its runs are {_listed(runs)}")


class RunArtifacts:
    """The model and the examples of one run of an output folder."""

    def __init__(self, output: Path, run: RunFolder):
        """Reads what ML Metadata knows of the run.

        Raises:
            UserError: ML Metadata is missing, or does not know the run.
        """
        self._output, self._run = output, run
        variable = run.settings.get("metadata.url_variable")
        store = f"{VARIABLE_PREFIX}{variable}" if variable else str(output / "metadata.db")
        if not variable and not (output / "metadata.db").is_file():
            raise UserError(f"{store} is missing: it says which model and examples are those of a run")
        self._uris = dict(_artifacts(open_store(store), run.run_id))

    def model(self) -> Path:
        """Folder of the SavedModel, also of a refused one; else that of the version that the run pushed.

        Raises:
            UserError: The run has trained no model, or it was removed.
        """
        looked = [f"{uri}/{SERVING_FOLDER}" for key, uri in self._uris.items() if key in MODEL]
        if not looked:
            raise UserError(f"run {self._run.run_id} has trained no model: {_why(self._run)}")
        if self._run.push and self._run.push_directory:
            looked.append(f"{self._run.push_directory}/{self._run.push['version']}")
        for path in looked:
            for folder in self._where_it_may_be(path):
                if (folder / MODEL_SETTINGS).is_file():
                    return folder
        paths = " nor ".join(dict.fromkeys(looked))
        raise UserError(
            f"the model of run {self._run.run_id} is gone: it is neither {paths}; choose another run with "
            "--run, or run it again"
        )

    def examples(self, split: str) -> Path:
        """Folder of the raw examples of a split.

        Raises:
            UserError: They were removed.
        """
        looked = [f"{uri}/Split-{split}" for key, uri in self._uris.items() if key in EXAMPLES]
        for path in looked:
            for folder in self._where_it_may_be(path):
                if folder.is_dir():
                    return folder
        raise UserError(
            f"the {split} examples of run {self._run.run_id} are gone: {looked[0] if looked else 'none'} is "
            "missing; choose another run with --run, or run it again"
        )

    def _where_it_may_be(self, path: str) -> Iterator[Path]:
        """The same in this output folder, which may have been moved or copied, then the path as it was."""
        parts = Path(path).parts
        for above in ("pipeline_root", "serving_model"):
            if above in parts:
                yield self._output.joinpath(*parts[len(parts) - parts[::-1].index(above) - 1 :])
        yield Path(path)


def _artifacts(store: MetadataStore, run_id: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Node and key of each artifact that a node of the run wrote or read, and its URI."""
    context = store.get_context_by_type_and_name("pipeline_run", run_id)
    if context is None:
        raise UserError(f"run {run_id}: ML Metadata does not know it; its file is of another output folder")
    for execution in store.get_executions_by_context(context.id):
        node = execution.type.rsplit(".", 1)[-1]
        for event in store.get_events_by_execution_ids([execution.id]):
            key = event.path.steps[0].key if event.path.steps else ""
            if event.type in (mlmd.Event.INPUT, mlmd.Event.OUTPUT) and (node, key) in MODEL | EXAMPLES:
                (artifact,) = store.get_artifacts_by_id([event.artifact_id])
                yield (node, key), artifact.uri


def _why(run: RunFolder) -> str:
    return run.metrics["reason"] or "no reason is known"


def _listed(runs: list[RunFolder]) -> str:
    newest = [run.run_id for run in runs[::-1]]
    more = f" and {len(newest) - 10} older ones" if len(newest) > 10 else ""
    return ", ".join(newest[:10]) + more
