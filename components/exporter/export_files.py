"""Exports a model, evaluates each file beside it, and writes what passes."""

import dataclasses
import json
import logging
import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.exporter.comparison import Compared, compare
from components.exporter.difference_picture import difference_picture
from components.exporter.latency import FEWEST, measure
from components.exporter.settings import ExportSettings
from components.exporter.verdict import Verdict, decide
from petseg.class_table import ClassTable
from petseg.evaluation.exports import ACCEPTED, EXPORTS_FILE, PICTURES_FOLDER, REFUSED
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


def export_files(
    model: str,
    train_files: Sequence[str],
    test_files: Sequence[str],
    settings: ExportSettings,
    slice_features: Sequence[str],
    output: Path,
) -> dict[str, dict[str, Any]]:
    """Exports a model to the formats in the settings.

    Args:
        model: Folder of the SavedModel.
        train_files: TFRecord files of raw training examples, from which calibration photos are drawn.
        test_files: TFRecord files of the raw examples that the model was evaluated on.
        settings: Formats and limits.
        slice_features: Features whose values are slices.
        output: Folder of the accepted files, their scripts and `exports.json`. A refused file is not in it.

    Returns:
        The content of `exports.json`: by format `bytes`, `examples`, `mean_iou`, `difference`, `interval`,
        `pixel_agreement`, `latency_ms`, `verdict`, `reason` and more, see `_entry`.
    """
    output.mkdir(parents=True, exist_ok=True)
    network, training = load_trained(model)
    calibration = prepared_photos(_drawn(train_files, settings.calibration_photos, settings.seed), training)
    photos = prepared_photos(_first(test_files, FEWEST), training)
    float_network = Network(network, calibration).function(batch_size=1)
    segmenter = SavedModelSegmenter(model)
    exports: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        calibration_file = Path(scratch, "calibration.npy")
        np.save(calibration_file, calibration)
        for name in settings.formats:
            file = Path(scratch, load_format(name).file_name)
            try:
                stays_float = convert(model, name, calibration_file, file)
            except ConversionError as error:
                exports[name] = _failed(f"cannot be converted: {error}")
            else:
                predictor = ExportedPredictor(file, name, training)
                compared = compare(segmenter, predictor, _records(test_files), slice_features)
                verdict = decide(compared, settings, training.classes)
                latency = measure(predictor.run, lambda photo: float_network(tf.constant(photo)), photos)
                exports[name] = _entry(file, compared, verdict, training.classes) | {
                    "latency_ms": dataclasses.asdict(latency),
                    "stays_float": stays_float,
                }
                if compared.least_equal:
                    write_atomic(
                        output / PICTURES_FOLDER / f"{name}.jpg",
                        difference_picture(compared.least_equal, training.classes),
                    )
            accepted = exports[name]["verdict"] == ACCEPTED
            _place(file, accepted, output)
            if accepted:
                write_script(load_format(name), training, output)
            _log(name, exports[name])
    write_atomic(output / EXPORTS_FILE, json.dumps(exports, indent=1, allow_nan=False))
    return exports


def _place(file: Path, accepted: bool, output: Path) -> None:
    """Writes an accepted file; of a refused one, removes what an earlier export left."""
    if accepted:
        write_atomic(output / file.name, file.read_bytes())
    else:
        (output / file.name).unlink(missing_ok=True)


def _entry(file: Path, compared: Compared, verdict: Verdict, classes: ClassTable) -> dict[str, Any]:
    """What `exports.json` says of a file that was evaluated.

    `mean_iou` and `iou` are at native resolution, `difference` is the file's mean IoU minus the model's,
    `interval` its 95% interval. `worst_slice` is the one with the largest loss.
    """
    overall = verdict.overall
    intersection, union = np.stack(compared.file).sum(axis=0)
    iou = [
        float(inside / outside) if outside else None
        for inside, outside in zip(intersection, union, strict=True)
    ]
    known = [value for value in iou if value is not None]
    worst = verdict.slices[0] if verdict.slices else None
    return {
        "file": file.name,
        "bytes": file.stat().st_size,
        "examples": len(compared.names),
        "mean_iou": sum(known) / len(known) if known else None,
        "iou": dict(zip(classes.names, iou, strict=True)),
        "difference": _number(overall.difference.value),
        "interval": [_number(overall.difference.low), _number(overall.difference.high)],
        "pixel_agreement": compared.agreement,
        "least_equal": compared.least_equal.name if compared.least_equal else None,
        "worst_slice": None
        if worst is None
        else {
            "name": worst.name,
            "examples": worst.examples,
            "difference": _number(worst.difference.value),
            "interval": [_number(worst.difference.low), _number(worst.difference.high)],
            "class": worst.worst_class,
        },
        "warnings": verdict.warnings,
        "verdict": ACCEPTED if verdict.accepted else REFUSED,
        "reason": verdict.reason,
    }


def _failed(reason: str) -> dict[str, Any]:
    absent = (
        "file",
        "bytes",
        "examples",
        "mean_iou",
        "difference",
        "interval",
        "pixel_agreement",
        "latency_ms",
    )
    return dict.fromkeys(absent) | {"warnings": [], "verdict": REFUSED, "reason": reason}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _log(name: str, entry: dict[str, Any]) -> None:
    logger.info("export %s: %s: %s", name, entry["verdict"], entry["reason"])
    for warning in entry["warnings"]:
        logger.warning("export %s: a small slice: %s", name, warning)


def _records(files: Iterable[str]) -> Iterator[bytes]:
    yield from tf.data.TFRecordDataset(list(files), "GZIP").as_numpy_iterator()


def _photo(record: bytes) -> bytes:
    return tf.train.Example.FromString(record).features.feature["image/encoded"].bytes_list.value[0]


def _first(files: Sequence[str], count: int) -> list[bytes]:
    return [_photo(record) for record, _ in zip(_records(files), range(count), strict=False)]


def _drawn(files: Sequence[str], count: int, seed: int) -> list[bytes]:
    """Photos drawn evenly from all examples in one pass (Vitter 1985, algorithm R)."""
    generator = np.random.default_rng(seed)
    drawn: list[bytes] = []
    for index, record in enumerate(_records(files)):
        if index < count:
            drawn.append(_photo(record))
        elif (position := int(generator.integers(index + 1))) < count:
            drawn[position] = _photo(record)
    return drawn
