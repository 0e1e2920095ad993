"""DatasetGate behind the real StatisticsGen and ExampleValidator computations."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.example_validator.executor import Executor as ExampleValidator
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import DataReport, GateReport
from components.dataset_gate.component import DatasetGate
from components.dataset_gate.executor import Executor
from petseg.errors import UserError
from tests.components.tiny_models import raw_example, write_split

SCHEMA = text_format.Parse(
    """
    feature { name: "image/height" type: INT presence { min_fraction: 1 min_count: 1 } shape {}
              int_domain { min: 32 max: 8192 } }
    feature { name: "label/kind" type: BYTES presence { min_fraction: 1 min_count: 1 } shape {}
              domain: "kinds" drift_comparator { infinity_norm { threshold: 0.2 } } }
    feature { name: "mask/share_leaf" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape {}
              float_domain { min: 0 max: 1 }
              drift_comparator { jensen_shannon_divergence { threshold: 0.1 } } }
    string_domain { name: "kinds" value: "oak" value: "elm" value: "ash" value: "fir" value: "yew" }
    """,
    schema_pb2.Schema(),
)
SOUND = {"image/height": [48, 64], "label/kind": ["oak", "elm"], "mask/share_leaf": [0.25, 0.5]}
SHARES = {"ground": 0.6, "leaf": 0.4}
CLASSES = [
    {"value": 10, "name": "ground", "color": "#000000"},
    {"value": 20, "name": "leaf", "color": "#00ff00"},
]
BOTH = np.repeat(np.array([[10, 20]], np.uint8), 32, axis=0).repeat(32, axis=1)
"""A mask of both classes."""


def run_gate(
    folder: Path,
    shares: dict[str, float] = SHARES,
    on_drift: str = "report",
    in_production: dict[str, list] | None = None,
    newest_span: dict[str, list] | None = None,
    rules: schema_pb2.Schema = SCHEMA,
    masks: Sequence[np.ndarray] = (BOTH,),
    image_size: int = 64,
    training_scale: float = 1,
    **splits: dict[str, list],
) -> Path:
    """Computes statistics of the splits' columns, validates them, and runs the gate on both.

    Args:
        in_production: Columns of the train split of the model in production; None: there is no model.
        newest_span: Columns of the newest span's training examples; None: the data has no spans.
        rules: The schema.
        masks: Of the training examples.
        image_size: Height and width of the model's input in pixels.
        training_scale: As in the settings.
    """
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = (
        str(folder / "Examples"),
        artifact_utils.encode_split_names(["train"]),
    )
    write_split(folder / "Examples/Split-train", [raw_example("photo", mask, {}) for mask in masks])
    trained_masks = {
        "classes": CLASSES,
        "transform": {"training_scale": training_scale},
        "input_size": (image_size, image_size),
    }
    statistics, schema = standard_artifacts.ExampleStatistics(), standard_artifacts.Schema()
    anomalies, report, gate = standard_artifacts.ExampleAnomalies(), DataReport(), GateReport()
    production = standard_artifacts.Model()
    for artifact in (statistics, schema, anomalies, report, gate, production):
        artifact.uri = str(folder / artifact.type_name)
        os.makedirs(artifact.uri)
    statistics.split_names = artifact_utils.encode_split_names(list(splits))
    for split, columns in splits.items():
        split_folder = folder / f"ExampleStatistics/Split-{split}"
        split_folder.mkdir()
        computed = tfdv.generate_statistics_from_dataframe(pd.DataFrame(columns), n_jobs=1)
        (split_folder / "FeatureStats.pb").write_bytes(computed.SerializeToString())
    tfdv.write_schema_text(rules, str(folder / "Schema/schema.pbtxt"))
    (folder / "DataReport/data_report.json").write_text(
        json.dumps({"class_shares": {"train": shares}, "newest_span": newest_span and "span-2"})
    )
    if newest_span is not None:
        pd.DataFrame(newest_span).to_parquet(folder / "DataReport/newest_span.parquet")
    if in_production is not None:
        production.set_string_custom_property("version", "7")
        extra = folder / "Model/Format-Serving/assets.extra"
        extra.mkdir(parents=True)
        carried = tfdv.generate_statistics_from_dataframe(pd.DataFrame(in_production), n_jobs=1)
        carried.datasets[0].name = "train"
        carried.datasets.add(name="eval")
        (extra / "statistics.pb").write_bytes(carried.SerializeToString())
    ExampleValidator().Do(
        {"statistics": [statistics], "schema": [schema]}, {"anomalies": [anomalies]}, {"exclude_splits": "[]"}
    )
    Executor().Do(
        {
            "examples": [examples],
            "anomalies": [anomalies],
            "statistics": [statistics],
            "data_report": [report],
            "schema": [schema],
            "production_model": [production],
        },
        {"gate": [gate]},
        {
            "gate_settings": json.dumps({"on_drift": on_drift}),
            "trained_masks": json.dumps(trained_masks),
            "code": "",
        },
    )
    return folder / "GateReport/gate.json"


def table(folder: Path, **arguments: dict) -> list[list[str]]:
    """The rows of the table that stops the run, cell by cell."""
    with pytest.raises(UserError) as error:
        run_gate(folder, **arguments)
    first, header, *rows = str(error.value).splitlines()
    assert f"{len(rows)} anomalies" in first
    assert not (folder / "GateReport/gate.json").exists()
    starts = [header.index(column) for column in ("feature", "split", "expected", "found")]
    ends = [*starts[1:], None]
    return [[row[start:end].strip() for start, end in zip(starts, ends, strict=True)] for row in rows]


def test_valid_data_passes(tmp_path):
    gate = run_gate(tmp_path, train=SOUND, eval=SOUND, test=SOUND)
    assert json.loads(gate.read_text()) == {"passed": True, "anomalies": [], "drift": None}


def test_an_unknown_label_stops_the_run(tmp_path):
    ((feature, split, expected, found),) = table(
        tmp_path, train=SOUND, eval=SOUND | {"label/kind": ["oak", "plastic"]}
    )
    assert (feature, split) == ("label/kind", "eval")
    assert expected == "BYTES, one of oak, elm, ash, fir and 1 more, in every example"
    assert "plastic" in found


def test_a_value_out_of_range_stops_the_run(tmp_path):
    ((feature, split, expected, found),) = table(tmp_path, train=SOUND | {"image/height": [48, 20]})
    assert (feature, split) == ("image/height", "train")
    assert expected == "INT, 32 to 8192, in every example"
    assert "20" in found


def test_a_missing_and_an_unknown_feature_stop_the_run(tmp_path):
    columns = {name: values for name, values in SOUND.items() if name != "mask/share_leaf"} | {
        "extra": [1, 2]
    }
    rows = {row[0]: row for row in table(tmp_path, train=columns)}
    assert rows["mask/share_leaf"][2] == "FLOAT, 0 to 1, in every example"
    assert "missing" in rows["mask/share_leaf"][3]
    assert rows["extra"][2] == "no feature of this name"


def test_a_class_without_train_pixels_stops_the_run(tmp_path):
    rows = table(tmp_path, shares={"ground": 1.0, "leaf": 0.0}, train=SOUND)
    assert rows == [["mask/share_leaf", "train", "pixels of class leaf", "none in any mask"]]


def cracked(column: int) -> np.ndarray:
    """A mask of 240 x 180 pixels, all ground but for a leaf one pixel wide."""
    mask = np.full((180, 240), 10, np.uint8)
    mask[30:150, column] = 20
    return mask


VANISHES = [cracked(column) for column in (0, 4, 100)]
"""Columns that are not among the 64 nearest ones."""


def test_a_class_that_vanishes_at_model_resolution_stops_the_run(tmp_path):
    with pytest.raises(UserError) as error:
        run_gate(tmp_path, masks=VANISHES, train=SOUND)
    (line,) = str(error.value).splitlines()
    assert line.startswith(
        "data: class leaf is in 3 training masks, but not in any resized to 64 x 64 pixels; "
        "set model.image_size to "
    )
    needed = int(line.split("model.image_size to ")[1].split()[0])
    assert 64 < needed <= 256
    run_gate(tmp_path / "larger", masks=VANISHES, image_size=needed, train=SOUND)


def test_one_mask_that_still_shows_the_class_is_enough(tmp_path):
    run_gate(tmp_path, masks=[*VANISHES, BOTH], train=SOUND)


def test_the_size_that_crops_are_taken_from_counts(tmp_path):
    run_gate(tmp_path, masks=VANISHES, training_scale=4, train=SOUND)


def test_an_empty_split_stops_the_run(tmp_path):
    rows = table(tmp_path, train=SOUND, eval={name: [] for name in SOUND})
    assert ["(all)", "eval", "at least one example", "none"] in rows


def test_component_publishes_a_gate_report():
    from tfx import types

    gate = DatasetGate(
        examples=types.Channel(type=standard_artifacts.Examples),
        anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
        statistics=types.Channel(type=standard_artifacts.ExampleStatistics),
        data_report=types.Channel(type=DataReport),
        schema=types.Channel(type=standard_artifacts.Schema),
        production_model=types.Channel(type=standard_artifacts.Model),
        gate_settings="{}",
        trained_masks="{}",
        code="",
    )
    assert gate.outputs["gate"].type_name == "GateReport"


def leaves(count: int, share: float = 0.4, oaks: float = 0.5) -> dict[str, list]:
    """Columns of `count` examples with a mean share of leaf and a fraction of oaks."""
    random = np.random.default_rng(count)
    return {
        "image/height": [64] * count,
        "label/kind": ["oak" if index < oaks * count else "elm" for index in range(count)],
        "mask/share_leaf": np.clip(random.normal(share, 0.1, count), 0, 1).tolist(),
    }


def drift_of(folder: Path, **arguments) -> dict:
    gate = run_gate(folder, train=leaves(300), eval=SOUND, **arguments)
    return json.loads(gate.read_text())["drift"]


def test_data_without_drift_is_compared_and_passes(tmp_path):
    drift = drift_of(tmp_path, in_production=leaves(250), on_drift="stop")
    assert drift["compared_with"] == "7"
    assert drift["span"] is None
    assert drift["examples"] == 300
    assert drift["drifted"] is False
    assert {(found["feature"], found["measure"]) for found in drift["distances"]} == {
        ("label/kind", "L-infinity"),
        ("mask/share_leaf", "Jensen-Shannon"),
    }


def test_the_newest_span_is_compared_and_not_all_of_them(tmp_path):
    drift = drift_of(tmp_path, in_production=leaves(250), newest_span=leaves(150, share=0.7, oaks=0.9))
    assert drift["span"] == "span-2"
    assert drift["examples"] == 150
    assert drift["drifted"] is True
    distances = {found["feature"]: found for found in drift["distances"]}
    assert distances["label/kind"]["value"] == pytest.approx(0.4)
    assert all(found["drifted"] for found in distances.values())
    assert "label/kind moved by 0.400 (L-infinity), more than 0.2" in drift["reason"]


def test_skew_comparators_of_the_schema_apply_too(tmp_path):
    rules = schema_pb2.Schema()
    rules.CopyFrom(SCHEMA)
    kind = next(feature for feature in rules.feature if feature.name == "label/kind")
    kind.ClearField("drift_comparator")
    kind.skew_comparator.infinity_norm.threshold = 0.3
    drift = drift_of(tmp_path, rules=rules, in_production=leaves(250), newest_span=leaves(150, oaks=0.9))
    (found,) = [one for one in drift["distances"] if one["feature"] == "label/kind"]
    assert (found["comparator"], found["threshold"], found["drifted"]) == ("skew", pytest.approx(0.3), True)
    assert found["value"] == pytest.approx(0.4)


def test_drift_stops_the_run_if_the_settings_say_so(tmp_path):
    with pytest.raises(UserError, match=r"version 7 stops the run: label/kind moved by 0\.400") as e:
        drift_of(tmp_path, in_production=leaves(250), newest_span=leaves(150, oaks=0.9), on_drift="stop")
    assert "gate.on_drift=report" in str(e.value)


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 training examples are too few"), (20, "20 training examples are too few")]
)
def test_a_few_examples_are_not_drift(tmp_path, count, said):
    few = leaves(count, share=0.9, oaks=1)
    drift = drift_of(tmp_path, in_production=leaves(250), newest_span=few, on_drift="stop")
    assert drift["drifted"] is False
    assert said in drift["reason"]


def test_a_feature_that_production_lacks_is_not_compared(tmp_path):
    known = {name: values for name, values in leaves(250).items() if name != "label/kind"}
    drift = drift_of(tmp_path, in_production=known)
    assert [found["feature"] for found in drift["distances"]] == ["mask/share_leaf"]
