"""Exports a pushed model to files, evaluated as Exporter evaluates them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.exporter.settings import ExportSettings
from petseg.class_table import ClassTable
from petseg.errors import UserError
from petseg.files.local_folder import check_writable_folder
from petseg.saved_model import MODEL_SETTINGS
from pipeline.prediction.model import model_folder
from pipeline.runs.run_log import redirect_output

LOG_FILE = "export.log"


def export(model: Path, formats: Sequence[str], output: Path, data: str | None) -> dict[str, dict[str, Any]]:
    """Exports a pushed model; limits and slices are those of its run, else the defaults.

    Args:
        model: Folder of a pushed version, or of all versions.
        formats: Formats, see `trainer.export.formats`.
        output: Folder of the files; created if missing.
        data: Photos and masks to evaluate on; None: the test examples of the run that pushed the model.

    Returns:
        The content of `exports.json`.

    Raises:
        UserError: There is no such model or format, no examples, or the output cannot be written.
    """
    # Before anything is read.
    _with_formats(ExportSettings(), formats)
    version = model_folder(model)
    classes = ClassTable.model_validate(json.loads((version / MODEL_SETTINGS).read_text())["classes"])
    check_writable_folder("--output", output)
    output.mkdir(parents=True, exist_ok=True)
    with redirect_output(output / LOG_FILE):
        # They import TensorFlow, whose messages belong into the log.
        from components.exporter.export_files import export_files
        from pipeline.exporting.examples import raw_examples

        with raw_examples(version, classes, data) as examples:
            of_the_run = examples.settings
            settings = _with_formats(of_the_run.export, formats)
            return export_files(
                str(version), examples.train, examples.test, settings, of_the_run.data.slice_features, output
            )


def _with_formats(settings: ExportSettings, formats: Sequence[str]) -> ExportSettings:
    try:
        return ExportSettings.model_validate({**settings.model_dump(), "formats": list(formats)})
    except ValueError as error:
        message = str(error.errors()[0]["msg"]) if hasattr(error, "errors") else str(error)
        raise UserError(f"--format: {message.removeprefix('Value error, ')}") from None
