"""What `compare` takes: runs, pushed models, and exported files."""

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from petseg.class_table import ClassTable
from petseg.errors import UserError
from petseg.evaluation.exports import EXPORTS_FILE, EXPORTS_FOLDER
from petseg.evaluation.files import PHOTOS_FILE
from petseg.saved_model import MODEL_SETTINGS
from petseg.versions import NONE, production_version
from pipeline.exporting.examples import Examples, raw_examples, read_origin
from pipeline.prediction.model import local_model, model_folder
from pipeline.runs.run_folder import METRICS_FILE, RunFolder, find_run, flattened, read_file, read_run
from pipeline.runs.run_log import STDERR, discard_output

TEST = "test"


@dataclass(frozen=True)
class Candidate:
    """A run, a pushed model or an exported file.

    Attributes:
        path: as it was given.
        run: the run, or the one that pushed the model; None where its folder is gone.
        version: folder of the model; None for a run.
        file: the exported file; None for the model itself.
    """

    path: Path
    run: RunFolder | None
    version: Path | None = None
    file: Path | None = None

    @property
    def is_evaluated(self) -> bool:
        """Whether the run's own evaluation is this one's."""
        return self.file is None and self.run is not None and (self.run.path / PHOTOS_FILE).is_file()


@contextlib.contextmanager
def evaluated_runs(paths: Sequence[Path], data: str | None) -> Iterator[list[RunFolder]]:
    """Gives the results of candidates while the body runs.

    A run's, and those of the model that it pushed, are read from its folder. An exported file is evaluated on
    the examples of the run that pushed its model, and so is a model whose run is gone.

    Args:
        paths: Folders of runs or outputs, folders of pushed models, and exported files. The model of a file
            is that in whose folder it lies, else the first path's.
        data: Photos and masks on whose split `test` all are evaluated anew; None: those of the runs.

    Raises:
        UserError: A path is none of these, or there is nothing to evaluate it on.
    """
    candidates: list[Candidate] = []
    for path in paths:
        candidates.append(_candidate(path, candidates[0] if candidates else None))
    if data is None and all(one.file is None and (one.is_evaluated or not one.version) for one in candidates):
        yield [one.run for one in candidates if one.run]
        return
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shared = _examples(stack, candidates[0], data) if data is not None else None
        results = []
        for index, one in enumerate(candidates):
            if one.run and shared is None and (one.is_evaluated or not one.version):
                results.append(one.run)
            else:
                examples = shared or _examples(stack, one, None)
                results.append(_evaluated(one, examples, scratch / f"{index}.parquet"))
        yield results


def _candidate(path: Path, first: Candidate | None) -> Candidate:
    if path.is_file():
        own = path.parent.parent if path.parent.name == EXPORTS_FOLDER else path.parent
        if (own / MODEL_SETTINGS).is_file():
            return Candidate(path, _pushing_run(own), own, path)
        if first is None:
            raise UserError(
                f"{path}: it is in no folder of a pushed model; name its model or the run of that first"
            )
        return Candidate(path, first.run, _version(first), path)
    is_run = (path / "runs").is_dir() or (path / METRICS_FILE).is_file()
    if not is_run and ((path / MODEL_SETTINGS).is_file() or production_version(path) != NONE):
        version = model_folder(path)
        return Candidate(path, _pushing_run(version), version)
    return Candidate(path, find_run(path))


def _pushing_run(version: Path) -> RunFolder | None:
    origin = read_origin(version)
    if not (origin.output and origin.run_id):
        return None
    folder = Path(origin.output, "runs", origin.run_id)
    return read_run(folder) if (folder / METRICS_FILE).is_file() else None


def _version(candidate: Candidate) -> Path:
    """Folder of a candidate's model.

    Raises:
        UserError: A run has not pushed it, or it was removed.
    """
    if candidate.version:
        return candidate.version
    run = candidate.run
    version = run.push["version"] if run and run.push else None
    if run is None or not version:
        raise UserError(f"{candidate.path}: this run has pushed no model, so there is none to evaluate")
    return local_model(f"{run.push_directory}/{version}")


def _examples(stack: contextlib.ExitStack, candidate: Candidate, data: str | None) -> Examples:
    version = _version(candidate)
    classes = ClassTable.model_validate(_model_settings(version)["classes"])
    return stack.enter_context(raw_examples(version, classes, data))


def _evaluated(candidate: Candidate, examples: Examples, photos: Path) -> RunFolder:
    """Evaluates a model or an exported file, and gives the result in the form of a run's."""
    version = _version(candidate)
    with discard_output(STDERR) as terminal:
        # It imports TensorFlow.
        from pipeline.exporting.evaluate import evaluate
        from pipeline.exporting.shown_progress import ShownProgress

        features = examples.settings.data.slice_features
        progress = ShownProgress(terminal)
        evaluate(version, candidate.file, examples.files(TEST), features, photos, progress)
    run = candidate.run
    return RunFolder(
        run_id=candidate.path.name,
        path=candidate.path,
        metrics={
            "model": {},
            "split": TEST,
            "reason": _verdict(candidate.file) if candidate.file else "evaluated by compare",
            "settings_sha256": run.metrics["settings_sha256"] if run else "",
        },
        settings=run.settings if run else _settings(version),
        push=None,
        push_directory=None,
        photos=photos,
    )


def _verdict(file: Path) -> str:
    """What Exporter said of a file."""
    for entry in (read_file(file.parent / EXPORTS_FILE) or {}).values():
        if entry.get("file") == file.name:
            return f"{entry['verdict']} by Exporter: {entry['reason']}"
    return "evaluated by compare"


def _settings(version: Path) -> dict[str, Any]:
    """Settings of a model whose run is gone, by the keys of a run's settings."""
    settings = _model_settings(version)
    return flattened({**settings, "data": {"classes": settings.pop("classes")}})


def _model_settings(version: Path) -> dict[str, Any]:
    settings: dict[str, Any] = json.loads((version / MODEL_SETTINGS).read_text())
    return settings
