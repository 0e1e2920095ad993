"""Exports a model, evaluates the files beside it, and writes what passes."""

import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.exporter.comparison import Compared, compare
from components.exporter.difference_picture import difference_picture
from components.exporter.entry import evaluated_entry, failed_entry
from components.exporter.latency import FEWEST, measure
from components.exporter.progress import SILENT, Progress
from components.exporter.raw_examples import drawn_photos, first_photos, read_records
from components.exporter.settings import ExportSettings
from components.exporter.verdict import decide
from petseg.evaluation.exports import ACCEPTED, EXPORTS_FILE, PICTURES_FOLDER
from petseg.files.atomic import write_atomic
from petseg.segmenter import Segmenter
from trainer.export.convert import ConversionError, convert
from trainer.export.export_model import load_trained
from trainer.export.exported_predictor import ExportedPredictor
from trainer.export.formats import load_format
from trainer.export.formats.export_format import Network
from trainer.export.formats.script import write_script
from trainer.export.prepared_photos import prepared_photos

logger = logging.getLogger("petseg")


class SavedModelSegmenter:
    """A SavedModel as what it is compared with."""

    def __init__(self, folder: str):
        self._segmenter = Segmenter(folder)
        self.evaluate = self._segmenter.evaluate

    def masks(self, photos: Sequence[bytes]) -> list[NDArray[np.uint8]]:
        """Masks at native resolution, uint8 [h, w]: the classes' values."""
        return [prediction.values for prediction in self._segmenter(photos)]


@dataclass(frozen=True)
class Converted:
    """A file that is not evaluated yet.

    Attributes:
        file: where it is.
        stays_float: operations of a quantized file that compute in float.
    """

    file: Path
    stays_float: list[str]


def export_files(
    model: str,
    train_files: Sequence[str],
    test_files: Sequence[str],
    settings: ExportSettings,
    slice_features: Sequence[str],
    output: Path,
    progress: Progress = SILENT,
) -> dict[str, dict[str, Any]]:
    """Exports a model to the formats in the settings.

    Nothing is written before all files are evaluated, and `exports.json` last.

    Args:
        model: Folder of the SavedModel.
        train_files: TFRecord files of raw training examples, from which calibration photos are drawn.
        test_files: TFRecord files of the raw examples that the model was evaluated on.
        settings: Formats and limits.
        slice_features: Features whose values are slices.
        output: Folder of the accepted files, their scripts and `exports.json`. A refused file is not in it.
        progress: Shows how far it is.

    Returns:
        The content of `exports.json`: by format `bytes`, `examples`, `mean_iou`, `difference`, `interval`,
        `pixel_agreement`, `latency_ms`, `verdict`, `reason` and more, see `evaluated_entry`.
    """
    network, training = load_trained(model)
    calibration = prepared_photos(
        drawn_photos(train_files, settings.calibration_photos, settings.seed), training
    )
    # In the order of the settings.
    exports: dict[str, dict[str, Any]] = {name: {} for name in settings.formats}
    with tempfile.TemporaryDirectory() as scratch:
        converted = {}
        for name in progress.track(settings.formats, "converting"):
            try:
                converted[name] = _convert(model, name, calibration, Path(scratch))
            except ConversionError as error:
                exports[name] = failed_entry(f"cannot be converted: {error}")
        predictors = {name: ExportedPredictor(one.file, name, training) for name, one in converted.items()}
        compared = {}
        if predictors:
            logger.info("exports: %s are evaluated beside the model", ", ".join(predictors))
            records = progress.track(read_records(test_files), "evaluating")
            compared = compare(SavedModelSegmenter(model), predictors, records, slice_features)
        float_network = Network(network, calibration).function(batch_size=1)
        photos = prepared_photos(first_photos(test_files, FEWEST), training)
        for name in progress.track(compared, "measuring latency"):
            latency = measure(predictors[name].run, lambda photo: float_network(tf.constant(photo)), photos)
            verdict = decide(compared[name], settings, training.classes)
            exports[name] = evaluated_entry(
                converted[name].file,
                compared[name],
                verdict,
                latency,
                converted[name].stays_float,
                training.classes,
            )
        _write(exports, converted, compared, predictors, output)
    return exports


def _convert(model: str, name: str, calibration: NDArray[np.uint8], scratch: Path) -> Converted:
    calibration_file = scratch / "calibration.npy"
    np.save(calibration_file, calibration)
    file = scratch / load_format(name).file_name
    return Converted(file, convert(model, name, calibration_file, file))


def _write(
    exports: dict[str, dict[str, Any]],
    converted: Mapping[str, Converted],
    compared: Mapping[str, Compared],
    predictors: Mapping[str, ExportedPredictor],
    output: Path,
) -> None:
    """Writes accepted files with their scripts, pictures, and the verdicts."""
    output.mkdir(parents=True, exist_ok=True)
    # An earlier export's verdicts must not lie beside the files of this one, not even after a kill.
    (output / EXPORTS_FILE).unlink(missing_ok=True)
    for name, entry in exports.items():
        accepted = entry["verdict"] == ACCEPTED
        file = converted[name].file if name in converted else Path(load_format(name).file_name)
        _place(file, accepted, output)
        if accepted:
            write_script(load_format(name), predictors[name].settings, output)
        picture = output / PICTURES_FOLDER / f"{name}.jpg"
        picture.unlink(missing_ok=True)
        if name in compared and (example := compared[name].least_equal):
            write_atomic(picture, difference_picture(example, predictors[name].settings.classes))
        _log(name, entry)
    write_atomic(output / EXPORTS_FILE, json.dumps(exports, indent=1, allow_nan=False))


def _place(file: Path, accepted: bool, output: Path) -> None:
    """Writes an accepted file; of a refused one, removes what an earlier export left."""
    if accepted:
        write_atomic(output / file.name, file.read_bytes())
    else:
        (output / file.name).unlink(missing_ok=True)


def _log(name: str, entry: dict[str, Any]) -> None:
    logger.info("export %s: %s: %s", name, entry["verdict"], entry["reason"])
    for warning in entry["warnings"]:
        logger.warning("export %s: a small slice: %s", name, warning)
