"""Evaluates a SavedModel or an exported file as Evaluator does, without Beam."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf

from components.evaluator.upright_photos import with_upright_photo
from components.exporter.comparison import BATCH_SIZE, Segmenter
from components.exporter.export_files import SavedModelSegmenter
from components.exporter.progress import Progress
from components.exporter.raw_examples import read_records, text_feature
from petseg.errors import UserError
from petseg.evaluation.photo_rows import photo_row, rows_schema
from petseg.saved_model import MODEL_SETTINGS
from petseg.segmenter import obeys_exif
from trainer.export.counts import counts_shapes
from trainer.export.exported_predictor import ExportedPredictor
from trainer.export.formats import REGISTRY, load_format
from trainer.settings import TrainingSettings

SPLIT = "test"


def evaluate(
    version: Path,
    file: Path | None,
    examples: Sequence[str],
    slice_features: Sequence[str],
    photos: Path,
    progress: Progress,
) -> None:
    """Counts a model's predictions, or an exported file's, and writes photos.parquet.

    Args:
        version: Folder of the SavedModel.
        file: The file that was exported from it; None: the model itself.
        examples: TFRecord files of raw examples.
        slice_features: Features that become columns.
        photos: The file to write.
        progress: Shows how far it is.

    Raises:
        UserError: The file is of no format that is known.
    """
    settings = TrainingSettings.from_stored((version / MODEL_SETTINGS).read_text())
    segmenter: Segmenter = _opened(file, settings) if file else SavedModelSegmenter(str(version))
    records = progress.track(read_records(examples), f"evaluating {(file or version).name}")
    if file is None and not obeys_exif(str(version)):
        records = map(with_upright_photo, records)
    shapes = counts_shapes(len(settings.classes))
    with pq.ParquetWriter(photos, schema := rows_schema(slice_features, shapes)) as writer:
        while batch := list(islice(records, BATCH_SIZE)):
            counts = segmenter.evaluate(examples=tf.constant(batch))
            rows = []
            for index, record in enumerate(batch):
                features = tf.train.Example.FromString(record).features.feature
                slices = {name: text_feature(features, name) for name in slice_features}
                counted = {output: array[index].numpy() for output, array in counts.items()}
                name = text_feature(features, "image/name") or ""
                rows.append(photo_row(name, SPLIT, slices, counted, shapes))
            writer.write_batch(pa.RecordBatch.from_pylist(rows, schema=schema))


def _opened(file: Path, settings: TrainingSettings) -> ExportedPredictor:
    try:
        predictor = ExportedPredictor(file, _format(file), settings)
        logits = predictor.run(np.zeros([1, *settings.model.input_size, 3], np.float32))
    except UserError:
        raise
    # Each runtime has errors of its own for damaged files, and for photos of another size.
    except Exception as error:
        said = (str(error).strip().splitlines() or [""])[0]
        raise UserError(f"{file}: it does not run: {said}; it is damaged, or of another model") from error
    if logits.shape[-1] != len(settings.classes):
        raise UserError(
            f"{file}: it predicts {logits.shape[-1]} classes, its model {len(settings.classes)}; it is of "
            "another model"
        )
    return predictor


def _format(file: Path) -> str:
    """The format that writes a file of this name, else of this ending."""
    names = {name: load_format(name).file_name for name in REGISTRY}
    for name, file_name in names.items():
        if file_name == file.name:
            return name
    for name, file_name in names.items():
        if Path(file_name).suffix == file.suffix:
            return name
    raise UserError(f"{file}: no format has files of this name; known are {', '.join(names.values())}")
