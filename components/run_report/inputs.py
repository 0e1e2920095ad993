"""The artifacts of the other nodes, read once."""

import dataclasses
import json
import os
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList
from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.run_report.exported_files import ExportedFile, read_exports
from components.run_report.settings import ReportSettings
from petseg.class_table import ClassTable
from petseg.evaluation.files import PHOTOS_FILE, evaluation_file, with_native_group
from petseg.files.originals import with_originals
from petseg.saved_model import EXPORT_FILE, EXTRA_FOLDER, STATISTICS_FILE
from petseg.statistics import merged_statistics

Artifacts = dict[str, list[types.Artifact]]


@dataclasses.dataclass(frozen=True)
class Anomaly:
    """One finding of ExampleValidator."""

    split: str
    feature: str
    summary: str


@dataclasses.dataclass(frozen=True)
class InputArtifact:
    """An input artifact of the node: its name in the DAG, and its type, id and URI in ML Metadata."""

    name: str
    type_name: str
    id: int
    uri: str


@dataclasses.dataclass(frozen=True)
class Production:
    """The model that was in production when the run started.

    Attributes:
        statistics: Of the data that it was trained on; None where it has none.
    """

    statistics: DatasetFeatureStatisticsList | None


@dataclasses.dataclass(frozen=True)
class RunInputs:
    """Everything that the report is made from.

    Attributes:
        run_id: The run.
        settings: All settings, as plain values.
        settings_sha256: Their digest.
        classes: The class table.
        report: Settings of the report.
        evaluation: Evaluator's evaluation.json.
        photos: Evaluator's photos.parquet: one row for each evaluated photo.
        serving_check: serving_check.json; None where the check is disabled.
        exports: Exporter's exports.json with a picture for each format; empty where nothing is exported.
        push: push.json; None where nothing is pushed.
        history: Trainer's history.json: one entry for each epoch.
        data_report: data_report.json.
        anomalies: Findings of ExampleValidator.
        gate: Content of gate.json.
        model_dir: Folder of the SavedModel.
        device: What the model was trained on; empty for models of earlier releases.
        examples_uri: Folder of the raw examples of the evaluated split.
        statistics: Of the data, one dataset for each split.
        schema: Of the data, without the image features.
        production: The model that was in production; None on the first run.
        artifacts: All input artifacts of the node.
    """

    run_id: str
    settings: dict[str, Any]
    settings_sha256: str
    classes: ClassTable
    report: ReportSettings
    evaluation: dict[str, Any]
    photos: pa.Table
    serving_check: dict[str, Any] | None
    exports: list[ExportedFile]
    push: dict[str, Any] | None
    history: list[dict[str, Any]]
    data_report: dict[str, Any]
    anomalies: list[Anomaly]
    gate: dict[str, Any]
    model_dir: str
    device: str
    examples_uri: str
    statistics: DatasetFeatureStatisticsList
    schema: schema_pb2.Schema
    production: Production | None
    artifacts: list[InputArtifact]

    @property
    def slice_features(self) -> list[str]:
        """The slice features that the data has."""
        features = self.settings["data"]["slice_features"]
        return [feature for feature in features if feature in self.photos.column_names]


def read_inputs(input_dict: Artifacts, exec_properties: dict[str, Any]) -> RunInputs:
    """Reads the artifacts of a run; those of nodes that are not in the run may be missing."""
    uris = {name: artifacts[0].uri for name, artifacts in input_dict.items() if artifacts}
    settings = json.loads(exec_properties["settings"])
    evaluation = _json(uris["evaluation"], evaluation_file(fileio.listdir(uris["evaluation"])))
    model = artifact_utils.get_single_instance(input_dict["model"])
    model_dir = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    export = os.path.join(model_dir, EXTRA_FOLDER, EXPORT_FILE)
    return RunInputs(
        run_id=exec_properties["run"],
        settings=settings,
        settings_sha256=exec_properties["settings_sha256"],
        classes=ClassTable.model_validate(settings["data"]["classes"]),
        report=ReportSettings.model_validate(settings["report"]),
        evaluation=with_native_group(evaluation),
        photos=pq.read_table(pa.BufferReader(_bytes(os.path.join(uris["evaluation"], PHOTOS_FILE)))),
        serving_check=_json(uris["infra_blessing"], "serving_check.json")
        if "infra_blessing" in uris
        else None,
        exports=read_exports(uris["exports"]) if "exports" in uris else [],
        push=_json(uris["pushed_model"], "push.json") if "pushed_model" in uris else None,
        history=_json(uris["model_run"], "history.json"),
        data_report=_json(uris["data_report"], "data_report.json"),
        anomalies=_anomalies(input_dict["anomalies"]),
        gate=_json(uris["gate"], "gate.json"),
        model_dir=model_dir,
        device=json.loads(_bytes(export)).get("device", "") if fileio.exists(export) else "",
        examples_uri=artifact_utils.get_split_uri(input_dict["examples"], evaluation["split"]),
        statistics=DatasetFeatureStatisticsList.FromString(merged_statistics(uris["statistics"])),
        schema=text_format.Parse(_bytes(os.path.join(uris["schema"], "schema.pbtxt")), schema_pb2.Schema()),
        production=_production(uris.get("baseline_model")),
        artifacts=[
            InputArtifact(name, artifact.type_name, artifact.id, with_originals(artifact.uri))
            for name, artifacts in input_dict.items()
            for artifact in artifacts
        ],
    )


def _production(uri: str | None) -> Production | None:
    """Reads the artifact of ProductionModel, which is empty on the first run."""
    model_dir = path_utils.serving_model_path(uri) if uri else ""
    if not model_dir or not fileio.exists(model_dir):
        return None
    statistics = os.path.join(model_dir, EXTRA_FOLDER, STATISTICS_FILE)
    return Production(
        DatasetFeatureStatisticsList.FromString(_bytes(statistics)) if fileio.exists(statistics) else None
    )


def _bytes(path: str) -> bytes:
    with fileio.open(path, "rb") as file:
        return file.read()


def _json(uri: str, name: str) -> Any:
    return json.loads(_bytes(os.path.join(uri, name)))


def _anomalies(artifacts: list[types.Artifact]) -> list[Anomaly]:
    found = []
    artifact = artifact_utils.get_single_instance(artifacts)
    for split in artifact_utils.decode_split_names(artifact.split_names):
        path = os.path.join(artifact_utils.get_split_uri([artifact], split), "SchemaDiff.pb")
        proto = anomalies_pb2.Anomalies.FromString(_bytes(path))
        for feature, info in sorted(proto.anomaly_info.items()):
            found.append(Anomaly(split, feature, info.description or info.short_description))
        if proto.HasField("dataset_anomaly_info"):
            found.append(Anomaly(split, "the whole split", proto.dataset_anomaly_info.description))
    return found
