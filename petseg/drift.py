"""Measures how far data has drifted from the training data of the model in production.

TensorFlow Data Validation has comparators for drift, between a data set and an earlier one, and for skew,
between training and serving. Here both compare the same two sets: production's train split and the data that
arrived since. A schema may set either comparator for a feature; both apply.
"""

import os
from dataclasses import asdict, dataclass
from typing import Any, Literal

import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from petseg.saved_model import EXTRA_FOLDER, STATISTICS_FILE

LEAST_EXAMPLES = 100
"""With fewer examples, chance alone can move a distance beyond the threshold."""

_MEASURES = {
    anomalies_pb2.DriftSkewInfo.Measurement.L_INFTY: "L-infinity",
    anomalies_pb2.DriftSkewInfo.Measurement.JENSEN_SHANNON_DIVERGENCE: "Jensen-Shannon",
}


@dataclass(frozen=True)
class Distance:
    """How far one feature has moved.

    Attributes:
        feature: Name of the feature.
        measure: `Jensen-Shannon` (0 to 1, of two histograms) or `L-infinity` (the largest change of a value's
            share).
        value: The distance.
        threshold: The distance that the schema allows.
        comparator: The schema's comparator that sets the threshold.
    """

    feature: str
    measure: str
    value: float
    threshold: float
    comparator: Literal["drift", "skew"]

    @property
    def drifted(self) -> bool:
        """Whether the distance is more than the schema allows."""
        return self.value > self.threshold

    def to_dict(self) -> dict[str, Any]:
        """The fields, and `drifted`."""
        return asdict(self) | {"drifted": self.drifted}


def production_statistics(model_path: str) -> statistics_pb2.DatasetFeatureStatistics | None:
    """Statistics of the train split that a SavedModel carries in `assets.extra/statistics.pb`.

    Args:
        model_path: Folder of the SavedModel.

    Returns:
        The statistics, or None if there is no model, as before the first push.
    """
    file = os.path.join(model_path, EXTRA_FOLDER, STATISTICS_FILE)
    if not tf.io.gfile.exists(file):
        return None
    with tf.io.gfile.GFile(file, "rb") as content:
        splits = statistics_pb2.DatasetFeatureStatisticsList.FromString(content.read())
    return next(dataset for dataset in splits.datasets if dataset.name == "train")


def distances(
    current: statistics_pb2.DatasetFeatureStatistics,
    reference: statistics_pb2.DatasetFeatureStatistics,
    schema: schema_pb2.Schema,
) -> list[Distance]:
    """Compares two statistics by the drift and skew comparators of the schema's features.

    Args:
        current: Statistics of the new data.
        reference: Statistics of the data that the model in production was trained on.
        schema: Schema of the features.

    Returns:
        The distances, sorted by feature. A feature that one of the two lacks has none.
    """
    moved = tfdv.validate_statistics(_listed(current), schema, previous_statistics=_listed(reference))
    skewed = tfdv.validate_statistics(_listed(reference), schema, serving_statistics=_listed(current))
    measured: list[tuple[Any, Any, Literal["drift", "skew"]]] = [
        *((info, one, "drift") for info in moved.drift_skew_info for one in info.drift_measurements),
        *((info, one, "skew") for info in skewed.drift_skew_info for one in info.skew_measurements),
    ]
    found = [
        Distance("/".join(info.path.step), _MEASURES[one.type], one.value, one.threshold, comparator)
        for info, one, comparator in measured
    ]
    return sorted(found, key=lambda distance: (distance.feature, distance.comparator))


def _listed(
    dataset: statistics_pb2.DatasetFeatureStatistics,
) -> statistics_pb2.DatasetFeatureStatisticsList:
    return statistics_pb2.DatasetFeatureStatisticsList(datasets=[dataset])
