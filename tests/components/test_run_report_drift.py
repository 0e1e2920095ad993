"""The distances that the report shows."""

import numpy as np
import pytest
from google.protobuf import text_format
from scipy.spatial.distance import jensenshannon
from tensorflow_metadata.proto.v0 import schema_pb2

from components.run_report.drift_section import measure_drift
from tests.components.report_drift import SCHEMA, statistics_of


def test_distances_are_tfdvs_own_and_what_only_one_has_is_named():
    before, now = (
        statistics_of(["a", "a", "bb", "ccc"] * 25, "train"),
        statistics_of(["a", "ccc"] * 50, "train"),
    )
    before.datasets[0].features[0].path.step[0] = "label/country"
    drift = measure_drift(before, now, text_format.Parse(SCHEMA, schema_pb2.Schema()))
    (height,) = drift.features
    shares = np.histogram([10, 10, 20, 30], 10, (10, 30))[0] / 4, np.histogram([10, 30], 10, (10, 30))[0] / 2
    assert height.measure == "Jensen-Shannon"
    assert height.distances["train"] == pytest.approx(jensenshannon(*shares, base=2) ** 2, abs=0.01)
    assert height.drifted
    assert drift.one_sided == ["label/country", "label/town"]


def test_a_feature_with_both_comparators_is_named_once():
    schema = text_format.Parse(SCHEMA, schema_pb2.Schema())
    (height,) = (feature for feature in schema.feature if feature.name == "image/height")
    height.skew_comparator.CopyFrom(height.drift_comparator)
    before, now = statistics_of(["a", "ccc"] * 50, "train"), statistics_of(["bb", "bb"] * 50, "train")
    drift = measure_drift(before, now, schema)
    assert [feature.feature for feature in drift.features].count("image/height") == 2
    assert drift.drifted.count("image/height") == 1
