"""`photos.parquet`, one row for each photo: report and `compare` read it instead of predicting again."""

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tensorflow_model_analysis import constants

from components.evaluator.counting import NAME_FEATURE
from components.evaluator.eval_config import CANDIDATE
from components.evaluator.metrics.summed_counts import COUNTS_KEY
from components.evaluator.parquet_shards import write_shards
from petseg.evaluation.photo_counts import counts_column, counts_field, stored_counts
from petseg.evaluation.resolutions import RESOLUTIONS
from trainer.export.counts import counts_shapes


def write_photo_rows(folder: str, split: str, slice_features: Sequence[str], classes: int) -> beam.PTransform:
    """Writes the candidate's counts of each photo into shards, in Beam's order.

    Columns: `name`, `split`, the slice features (strings, null where a photo has none), and for each output
    of `evaluate` (`trainer.export.counts`) its counts at both resolutions, such as `counts_model` and
    `counts_native`, as `petseg.evaluation.photo_counts` stores them. A column is null where the model is of
    an older version, which lacks that output.

    Args:
        folder: Folder of the shards, see `parquet_shards`.
        split: Name of the evaluated split.
        slice_features: Features of the raw examples that become columns.
        classes: Number of classes.
    """
    shapes = counts_shapes(classes)

    def row(extract: dict[str, Any]) -> dict[str, Any]:
        features = extract[constants.FEATURES_KEY]
        counted = extract[COUNTS_KEY][CANDIDATE]
        return {
            "name": _text(features[NAME_FEATURE]),
            "split": split,
            **{name: _text(features[name]) if name in features else None for name in slice_features},
            **{
                counts_column(output, resolution): (
                    stored_counts(counted[output][axis]) if output in counted else None
                )
                for output in shapes
                for axis, resolution in enumerate(RESOLUTIONS)
            },
        }

    schema = pa.schema(
        [pa.field(column, pa.string()) for column in ("name", "split", *slice_features)]
        + [
            counts_field(output, resolution, shape)
            for output, shape in shapes.items()
            for resolution in RESOLUTIONS
        ]
    )
    return "MakeRows" >> beam.Map(row) | "WriteRows" >> write_shards(folder, schema)


def _text(values: NDArray[Any]) -> str | None:
    if not np.size(values):
        return None
    return values[0].decode() if isinstance(values[0], bytes) else str(values[0])
