"""The statistics of the data a model was trained on, as one proto that travels with the model."""

import os

import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2


def merged_statistics(uri: str) -> bytes:
    """Puts StatisticsGen's files, one a split, into one list.

    Args:
        uri: Of a StatisticsGen artifact.

    Returns:
        A serialized DatasetFeatureStatisticsList with one dataset a split, named after it.
    """
    merged = statistics_pb2.DatasetFeatureStatisticsList()
    for path in sorted(tf.io.gfile.glob(os.path.join(uri, "Split-*", "FeatureStats.pb"))):
        with tf.io.gfile.GFile(path, "rb") as file:
            of_split = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())
        dataset = merged.datasets.add()
        dataset.CopyFrom(of_split.datasets[0])
        dataset.name = os.path.basename(os.path.dirname(path)).removeprefix("Split-")
    return merged.SerializeToString()
