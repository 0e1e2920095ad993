"""Checks for anomalies, empty splits, unseen classes and drift, and passes the data or stops the run."""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

import tensorflow as tf
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.dataset_gate.drift_check import check_drift
from components.dataset_gate.model_resolution import vanished_classes
from components.dataset_gate.settings import GateSettings, TrainedMasks
from petseg.class_table import ClassTable
from petseg.errors import UserError
from petseg.files.atomic import write_atomic

DOMAIN_VALUES_NAMED = 4


@dataclass(frozen=True)
class Anomaly:
    """One row of the table."""

    feature: str
    split: str
    expected: str
    found: str


class Executor(base_executor.BaseExecutor):
    """Passes the data, or raises."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `gate.json`.

        Raises:
            UserError: With a table of the anomalies, one a line after the first; for classes that no resized
                training mask shows; or for drift, where that stops a run.
        """
        settings = GateSettings.model_validate_json(exec_properties["gate_settings"])
        trained_masks = TrainedMasks.model_validate_json(exec_properties["trained_masks"])
        anomalies = [
            *_against_schema(artifact_utils.get_single_instance(input_dict["anomalies"])),
            *_empty_splits(artifact_utils.get_single_instance(input_dict["statistics"])),
            *_unseen_classes(artifact_utils.get_single_uri(input_dict["data_report"]), trained_masks.classes),
        ]
        if anomalies:
            raise UserError(f"data: {len(anomalies)} anomalies stop the run\n{_table(anomalies)}")
        vanished = vanished_classes(_training_files(input_dict["examples"]), trained_masks)
        if vanished:
            raise UserError(f"data: {'; '.join(vanished)}")
        drift = check_drift(input_dict)
        if drift:
            logging.getLogger("petseg").info(
                "drift since version %s: %s", drift["compared_with"], drift["reason"]
            )
        if drift and drift["drifted"] and settings.on_drift == "stop":
            raise UserError(
                f"data: drift since version {drift['compared_with']} stops the run: {drift['reason']}; check "
                "the new data, then run with gate.on_drift=report"
            )
        gate = os.path.join(artifact_utils.get_single_uri(output_dict["gate"]), "gate.json")
        write_atomic(gate, json.dumps({"passed": True, "anomalies": [], "drift": drift}, indent=1))


def _training_files(examples: list[types.Artifact]) -> list[str]:
    return sorted(tf.io.gfile.glob(os.path.join(artifact_utils.get_split_uri(examples, "train"), "*")))


def _against_schema(artifact: types.Artifact) -> Iterator[Anomaly]:
    """The anomalies that ExampleValidator found, split by split."""
    for split in artifact_utils.decode_split_names(artifact.split_names):
        file = os.path.join(artifact_utils.get_split_uri([artifact], split), DEFAULT_FILE_NAME)
        with tf.io.gfile.GFile(file, "rb") as content:
            anomalies = anomalies_pb2.Anomalies.FromString(content.read())
        features = {feature.name: feature for feature in anomalies.baseline.feature}
        domains = {domain.name: domain for domain in anomalies.baseline.string_domain}
        for name, info in sorted(anomalies.anomaly_info.items()):
            expected = (
                _expectation(features[name], domains) if name in features else "no feature of this name"
            )
            for reason in info.reason:
                yield Anomaly(name, split, expected, reason.description)
        for reason in anomalies.dataset_anomaly_info.reason:
            yield Anomaly("(all)", split, "the schema's rules for the data set", reason.description)


def _expectation(feature: schema_pb2.Feature, domains: dict[str, schema_pb2.StringDomain]) -> str:
    """Describes what the schema expects of a feature."""
    words = [schema_pb2.FeatureType.Name(feature.type)]
    kind = feature.WhichOneof("domain_info")
    if kind in ("int_domain", "float_domain"):
        bounds = getattr(feature, kind)
        words.append(f"{bounds.min:g} to {bounds.max:g}")
    elif kind in ("domain", "string_domain"):
        values = list(domains[feature.domain].value if kind == "domain" else feature.string_domain.value)
        more = len(values) - DOMAIN_VALUES_NAMED
        named = ", ".join(values[:DOMAIN_VALUES_NAMED])
        words.append(f"one of {named}" + (f" and {more} more" if more > 0 else ""))
    if feature.presence.min_fraction == 1:
        words.append("in every example")
    return ", ".join(words)


def _empty_splits(artifact: types.Artifact) -> Iterator[Anomaly]:
    """Splits without examples, which ExampleValidator does not report."""
    for split in artifact_utils.decode_split_names(artifact.split_names):
        statistics = stats_artifact_utils.load_statistics(artifact, split).proto()
        if not any(dataset.num_examples for dataset in statistics.datasets):
            yield Anomaly("(all)", split, "at least one example", "none")


def _unseen_classes(data_report_uri: str, classes: ClassTable) -> Iterator[Anomaly]:
    """Classes without a training pixel, which could never be learned."""
    with tf.io.gfile.GFile(os.path.join(data_report_uri, "data_report.json")) as file:
        report = json.load(file)
    shares = report["class_shares"]["train"]
    for entry in classes.classes:
        if not shares[entry.name]:
            yield Anomaly(
                f"mask/share_{entry.key}", "train", f"pixels of class {entry.name}", "none in any mask"
            )


def _table(anomalies: list[Anomaly]) -> str:
    rows = [("feature", "split", "expected", "found"), *map(astuple, anomalies)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        "  " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    )
