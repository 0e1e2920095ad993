"""How far data has moved from those that the model in production was trained on.

TensorFlow Data Validation knows drift, between data and data before them, and skew, between what a model was
trained on and what it is served. Here both are the same two sets: production's train split, and what has
arrived since. A schema may set either comparator of a feature; both are obeyed.
"""

import os
from dataclasses import asdict, dataclass
from typing import Any, Literal

import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from petseg.saved_model import EXTRA_FOLDER, STATISTICS_FILE

LEAST_EXAMPLES = 100
"""With fewer than this chance alone moves a distance by as much as what would be called drift."""

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
        threshold: What the schema allows.
        comparator: Which of the schema's comparators asked for it.
    """

    feature: str
    measure: str
    value: float
    threshold: float
    comparator: Literal["drift", "skew"]

    @property
    def drifted(self) -> bool:
        """Whether it is more than the schema allows."""
        return self.value > self.threshold

    def to_dict(self) -> dict[str, Any]:
        """The fields, and `drifted`."""
        return asdict(self) | {"drifted": self.drifted}


def production_statistics(model_path: str) -> statistics_pb2.DatasetFeatureStatistics | None:
    """Statistics of the train split that a SavedModel carries in `assets.extra/statistics.pb`.

    Args:
        model_path: Folder of the SavedModel.

    Returns:
        None where there is no model, as before the first push.
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
        current: What has arrived.
        reference: What the model in production was trained on.
        schema: Of the features.

    Returns:
        Sorted by feature; without those that one of the two does not have.
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
