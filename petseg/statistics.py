"""Statistics of the training data, as one proto that the model carries."""

import os

import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2


def merged_statistics(uri: str) -> bytes:
    """Merges StatisticsGen's files, one per split, into one list.

    Args:
        uri: URI of a StatisticsGen artifact.

    Returns:
        A serialized DatasetFeatureStatisticsList with one dataset per split, named after the split.
    """
    merged = statistics_pb2.DatasetFeatureStatisticsList()
    for path in sorted(tf.io.gfile.glob(os.path.join(uri, "Split-*", "FeatureStats.pb"))):
        with tf.io.gfile.GFile(path, "rb") as file:
            of_split = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read())
        dataset = merged.datasets.add()
        dataset.CopyFrom(of_split.datasets[0])
        dataset.name = os.path.basename(os.path.dirname(path)).removeprefix("Split-")
    return merged.SerializeToString()
