"""Rows of photos.parquet: an example, its slices, and what an evaluation counted on it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from petseg.evaluation.photo_counts import counts_column, counts_field, stored_counts
from petseg.evaluation.resolutions import RESOLUTIONS

Shapes = Mapping[str, Sequence[int]]
"""Shape of one photo's counts at one resolution, by output of `evaluate`."""


def rows_schema(slice_features: Sequence[str], shapes: Shapes) -> pa.Schema:
    """Columns: `name`, `split`, the slice features, and the counts of each output at both resolutions.

    Slice features are strings, null where a photo has none. Counts are stored as
    `petseg.evaluation.photo_counts` says, such as `counts_model` and `counts_native`.
    """
    return pa.schema(
        [pa.field(column, pa.string()) for column in ("name", "split", *slice_features)]
        + [
            counts_field(output, resolution, shape)
            for output, shape in shapes.items()
            for resolution in RESOLUTIONS
        ]
    )


def photo_row(
    name: str,
    split: str,
    slices: Mapping[str, str | None],
    counts: Mapping[str, NDArray[Any]],
    shapes: Shapes,
) -> dict[str, Any]:
    """The row of one photo.

    Args:
        name: Name of the example.
        split: Its split.
        slices: Its value of each slice feature.
        counts: int64 [2, ...] by output of `evaluate`. An output that a model of an older version lacks is
            null in the row.
        shapes: Of all outputs.
    """
    return {
        "name": name,
        "split": split,
        **slices,
        **{
            counts_column(output, resolution): stored_counts(counts[output][axis])
            if output in counts
            else None
            for output in shapes
            for axis, resolution in enumerate(RESOLUTIONS)
        },
    }
