"""`photos.parquet`, one row for each photo: report and `compare` read it instead of predicting again."""

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import numpy as np
from numpy.typing import NDArray
from tensorflow_model_analysis import constants

from components.evaluator.counting import NAME_FEATURE
from components.evaluator.eval_config import CANDIDATE
from components.evaluator.metrics.summed_counts import COUNTS_KEY
from components.evaluator.parquet_shards import write_shards
from petseg.evaluation.photo_rows import photo_row, rows_schema
from trainer.export.counts import counts_shapes


def write_photo_rows(folder: str, split: str, slice_features: Sequence[str], classes: int) -> beam.PTransform:
    """Writes the candidate's counts of each photo into shards, in Beam's order; see `photo_row`.

    Args:
        folder: Folder of the shards, see `parquet_shards`.
        split: Name of the evaluated split.
        slice_features: Features of the raw examples that become columns.
        classes: Number of classes.
    """
    shapes = counts_shapes(classes)

    def row(extract: dict[str, Any]) -> dict[str, Any]:
        features = extract[constants.FEATURES_KEY]
        slices = {name: _text(features[name]) if name in features else None for name in slice_features}
        name = _text(features[NAME_FEATURE]) or ""
        return photo_row(name, split, slices, extract[COUNTS_KEY][CANDIDATE], shapes)

    return "MakeRows" >> beam.Map(row) | "WriteRows" >> write_shards(
        folder, rows_schema(slice_features, shapes)
    )


def _text(values: NDArray[Any]) -> str | None:
    if not np.size(values):
        return None
    return values[0].decode() if isinstance(values[0], bytes) else str(values[0])
