"""Compares new data with the data that the model in production was trained on."""

import io
import json
import os
from typing import Any

import pandas as pd
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils
from tfx.utils import path_utils

from petseg.drift import LEAST_EXAMPLES, distances, production_statistics

NEWEST_SPAN_FILE = "newest_span.parquet"


def check_drift(input_dict: dict[str, list[types.Artifact]]) -> dict[str, Any] | None:
    """Returns the entry `drift` of gate.json, see the component; None if no model is in production."""
    (production,) = input_dict["production_model"]
    reference = production_statistics(path_utils.serving_model_path(production.uri))
    if reference is None:
        return None
    report_uri = artifact_utils.get_single_uri(input_dict["data_report"])
    with tf.io.gfile.GFile(os.path.join(report_uri, "data_report.json")) as file:
        span = json.load(file)["newest_span"]
    if span:
        current = _newest_span(os.path.join(report_uri, NEWEST_SPAN_FILE))
    else:
        (statistics,) = input_dict["statistics"]
        current = stats_artifact_utils.load_statistics(statistics, "train").proto().datasets[0]
    schema = tfdv.load_schema_text(
        os.path.join(artifact_utils.get_single_uri(input_dict["schema"]), "schema.pbtxt")
    )
    found = distances(current, reference, schema) if current.num_examples else []
    beyond = [distance for distance in found if distance.drifted]
    enough = current.num_examples >= LEAST_EXAMPLES
    if not enough:
        reason = f"{current.num_examples} training examples are too few to tell drift from chance"
    elif beyond:
        reason = "; ".join(
            f"{distance.feature} moved by {distance.value:.3f} ({distance.measure}), "
            f"more than {distance.threshold:g}"
            for distance in beyond
        )
    else:
        reason = f"none of {len(found)} features moved further than the schema allows"
    return {
        "span": span,
        "compared_with": production.get_string_custom_property("version"),
        "examples": int(current.num_examples),
        "drifted": enough and bool(beyond),
        "reason": reason,
        "distances": [distance.to_dict() for distance in found],
    }


def _newest_span(file: str) -> statistics_pb2.DatasetFeatureStatistics:
    """Statistics of the newest span's training examples."""
    with tf.io.gfile.GFile(file, "rb") as content:
        rows = pd.read_parquet(io.BytesIO(content.read()))
    if rows.empty:
        return statistics_pb2.DatasetFeatureStatistics()
    return tfdv.generate_statistics_from_dataframe(rows, n_jobs=1).datasets[0]
