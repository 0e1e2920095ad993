"""Exports a pushed model to files, evaluated as Exporter evaluates them."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.exporter.settings import ExportSettings
from petseg.class_table import ClassTable
from petseg.errors import UserError
from petseg.evaluation.exports import EXPORTS_FILE
from petseg.files.local_folder import check_writable_folder
from petseg.saved_model import MODEL_SETTINGS
from pipeline.exporting.examples import raw_examples
from pipeline.prediction.model import model_folder
from pipeline.runs.run_folder import read_file
from pipeline.runs.run_log import STDERR, redirect_output

LOG_FILE = "export.log"


def export(
    model: Path, formats: Sequence[str], output: Path, data: str | None, *, show_progress: bool = True
) -> dict[str, dict[str, Any]]:
    """Exports a pushed model; limits and slices are those of its run, else the defaults.

    Args:
        model: Folder of a pushed version, or of all versions.
        formats: Formats, see `trainer.export.formats`.
        output: Folder of the files; created if missing.
        data: Photos and masks to evaluate on; None: the test examples of the run that pushed the model.
        show_progress: Whether progress is shown on stderr.

    Returns:
        The content of `exports.json`.

    Raises:
        UserError: There is no such model or format, no examples, or the output cannot be written.
    """
    # Before anything is read.
    _with_formats(ExportSettings(), formats)
    version = model_folder(model)
    classes = ClassTable.model_validate(json.loads((version / MODEL_SETTINGS).read_text())["classes"])
    _check_output(output, version, formats)
    output.mkdir(parents=True, exist_ok=True)
    log = output / LOG_FILE
    with contextlib.ExitStack() as stack:
        # A run, which reads the data, has a log and progress of its own.
        with contextlib.nullcontext() if show_progress else redirect_output(log):
            examples = stack.enter_context(raw_examples(version, classes, data))
        terminal = stack.enter_context(redirect_output(log, STDERR))
        # They import TensorFlow, whose messages belong into the log.
        from components.exporter.export_files import export_files
        from components.exporter.progress import SILENT
        from pipeline.exporting.shown_progress import ShownProgress

        of_the_run = examples.settings
        return export_files(
            str(version),
            examples.files("train"),
            examples.files("test"),
            _with_formats(of_the_run.export, formats),
            of_the_run.data.slice_features,
            output,
            ShownProgress(terminal) if show_progress else SILENT,
        )


def _check_output(output: Path, version: Path, formats: Sequence[str]) -> None:
    if output.resolve().is_relative_to(version.resolve()):
        raise UserError(
            f"--output {output}: it is in {version}, and a pushed version never changes; use another folder"
        )
    others = [name for name in read_file(output / EXPORTS_FILE) or {} if name not in formats]
    if others:
        raise UserError(
            f"--output {output}: it has files of another export ({', '.join(others)}); use another folder, "
            "or add their --format"
        )
    check_writable_folder("--output", output)


def _with_formats(settings: ExportSettings, formats: Sequence[str]) -> ExportSettings:
    try:
        return ExportSettings.model_validate({**settings.model_dump(), "formats": list(formats)})
    except ValueError as error:
        message = str(error.errors()[0]["msg"]) if hasattr(error, "errors") else str(error)
        raise UserError(f"--format: {message.removeprefix('Value error, ')}") from None
