"""DatasetGate behind the real StatisticsGen and ExampleValidator computations."""

import json
import os
from pathlib import Path

import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.example_validator.executor import Executor as ExampleValidator
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import DataReport, GateReport
from components.dataset_gate.component import DatasetGate
from components.dataset_gate.executor import Executor
from trainer.errors import UserError

SCHEMA = text_format.Parse(
    """
    feature { name: "image/height" type: INT presence { min_fraction: 1 min_count: 1 } shape {}
              int_domain { min: 32 max: 8192 } }
    feature { name: "label/kind" type: BYTES presence { min_fraction: 1 min_count: 1 } shape {}
              domain: "kinds" }
    feature { name: "mask/share_leaf" type: FLOAT presence { min_fraction: 1 min_count: 1 } shape {}
              float_domain { min: 0 max: 1 } }
    string_domain { name: "kinds" value: "oak" value: "elm" value: "ash" value: "fir" value: "yew" }
    """,
    schema_pb2.Schema(),
)
SOUND = {"image/height": [48, 64], "label/kind": ["oak", "elm"], "mask/share_leaf": [0.25, 0.5]}
SHARES = {"ground": 0.6, "leaf": 0.4}


def run_gate(folder: Path, shares: dict[str, float] = SHARES, **splits: dict[str, list]) -> Path:
    """Computes statistics of the splits' columns, validates them, and runs the gate on both."""
    import pandas as pd

    statistics, schema = standard_artifacts.ExampleStatistics(), standard_artifacts.Schema()
    anomalies, report, gate = standard_artifacts.ExampleAnomalies(), DataReport(), GateReport()
    for artifact in (statistics, schema, anomalies, report, gate):
        artifact.uri = str(folder / artifact.type_name)
        os.makedirs(artifact.uri)
    statistics.split_names = artifact_utils.encode_split_names(list(splits))
    for split, columns in splits.items():
        split_folder = folder / f"ExampleStatistics/Split-{split}"
        split_folder.mkdir()
        computed = tfdv.generate_statistics_from_dataframe(pd.DataFrame(columns), n_jobs=1)
        (split_folder / "FeatureStats.pb").write_bytes(computed.SerializeToString())
    tfdv.write_schema_text(SCHEMA, str(folder / "Schema/schema.pbtxt"))
    (folder / "DataReport/data_report.json").write_text(json.dumps({"class_shares": {"train": shares}}))
    ExampleValidator().Do(
        {"statistics": [statistics], "schema": [schema]}, {"anomalies": [anomalies]}, {"exclude_splits": "[]"}
    )
    Executor().Do(
        {"anomalies": [anomalies], "statistics": [statistics], "data_report": [report]}, {"gate": [gate]}, {}
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


def test_sound_data_pass(tmp_path):
    gate = run_gate(tmp_path, train=SOUND, eval=SOUND, test=SOUND)
    assert json.loads(gate.read_text()) == {"passed": True, "anomalies": []}


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
    assert rows["extra"][2] == "nothing of this name"


def test_a_class_without_train_pixels_stops_the_run(tmp_path):
    rows = table(tmp_path, shares={"ground": 1.0, "leaf": 0.0}, train=SOUND)
    assert rows == [["mask/share_leaf", "train", "pixels of class leaf", "none in any mask"]]


def test_an_empty_split_stops_the_run(tmp_path):
    rows = table(tmp_path, train=SOUND, eval={name: [] for name in SOUND})
    assert ["(all)", "eval", "at least one example", "none"] in rows


def test_component_publishes_a_gate_report():
    from tfx import types

    gate = DatasetGate(
        anomalies=types.Channel(type=standard_artifacts.ExampleAnomalies),
        statistics=types.Channel(type=standard_artifacts.ExampleStatistics),
        data_report=types.Channel(type=DataReport),
    )
    assert gate.outputs["gate"].type_name == "GateReport"
