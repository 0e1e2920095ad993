"""Data that has moved since the model in production was trained: schema, statistics, the gate's word."""

import pandas as pd
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2

SCHEMA = """
feature { name: "image/height" type: INT drift_comparator { jensen_shannon_divergence { threshold: 0.1 } } }
feature { name: "label/town" type: BYTES drift_comparator { infinity_norm { threshold: 0.2 } } }
feature { name: "label/street" type: BYTES }
"""

GATE_DRIFT = {
    "span": "span-3",
    "compared_with": "7",
    "examples": 1200,
    "drifted": True,
    "reason": "label/town moved by 0.300 (L-infinity), more than 0.2",
    "distances": [],
}


def statistics_of(towns: list[str], split: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Of photos in these towns; the sides are as many pixels as a town's name is long, times 10."""
    statistics = tfdv.generate_statistics_from_dataframe(
        pd.DataFrame({"label/town": towns, "image/height": [10 * len(town) for town in towns]})
    )
    statistics.datasets[0].name = split
    return statistics
