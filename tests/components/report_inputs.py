"""Inputs of RunReport made by hand: drawn photos, and what the other nodes would have written."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from PIL import Image
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import DataReport, GateReport
from petseg.class_table import ClassTable, SegmentationClass
from petseg.metrics.counting import CONFIDENCE_UNITS
from petseg.overlay import class_ids_of
from tests.components.report_drift import GATE_DRIFT, SCHEMA, statistics_of
from tests.components.report_photos import Pair

TABLE = ClassTable(
    classes=(
        SegmentationClass(value=10, name="road", color="#777777"),
        SegmentationClass(value=20, name="tree", color="#2f9e44"),
        SegmentationClass(value=30, name="sky", color="#4dabf7"),
    ),
    ignored_value=0,
)
SETTINGS: dict[str, Any] = {
    "name": "streets",
    "data": {"classes": TABLE.model_dump(mode="json"), "slice_features": ["label/town", "label/absent"]},
    "trainer": {"seed": 7},
    "evaluation": {"floor": 0.6},
    "report": {"photos": 3, "seed": 0},
}

COUNTED = {
    "boundary": [30, 40, 10, 40, 20, 40],
    "calibration": [100, 60, 70 * CONFIDENCE_UNITS, 300, 270, 270 * CONFIDENCE_UNITS, 0, 0, 0],
}
"""Of each photo at each resolution; in three bins: confidence 70 %, accuracy 60 %; 90 % and 90 %; nothing."""


def write_inputs(
    folder: Path,
    model_dir: Path,
    pairs: list[Pair],
    settings: dict[str, Any] | None = None,
    baseline: bool = True,
    evaluated_good: bool = True,
    serving_good: bool = True,
    pushed: bool | None = True,
    production: list[str] | None = None,
    data: list[str] | None = None,
    older: bool = False,
    withdrawn: bool = False,
    best_kept: dict[str, Any] | None = None,
    interval: list[float] | None = None,
) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Writes all artifacts; returns the input dict and the exec properties of RunReport.

    `model_dir` is the folder `Format-Serving` of a Model artifact; `pushed` None: no Pusher in the run;
    `production` and `data`: towns of production's photos, and of this run's;
    `older`: an Evaluator of the last release, which called `native` otherwise; its model counted neither
    boundaries nor confidences;
    `withdrawn`: the Pusher refused a blessed model;
    `best_kept`: the best kept version, as the Pusher found it;
    `interval`: of the mean IoU.
    """
    settings = settings or SETTINGS
    split = "test" if pushed is not None else "eval"
    table = ClassTable.model_validate(settings["data"]["classes"])
    rows = list(_evaluated(pairs, model_dir, table, split, settings["data"]["slice_features"][0], older))
    artifacts = {
        "examples": _examples(folder / "examples", pairs, split),
        "data_report": _with_json(
            DataReport(), folder / "data", "data_report.json", _data_report(pairs, table, split)
        ),
        "statistics": _statistics(folder / "statistics", data or ["town_0", "town_1"]),
        "schema": _schema(folder / "schema"),
        "anomalies": _anomalies(folder / "anomalies", split),
        "gate": _with_json(GateReport(), folder / "gate", "gate.json", {"drift": production and GATE_DRIFT}),
        "model": _plain(standard_artifacts.Model(), model_dir.parent),
        "model_run": _with_json(
            standard_artifacts.ModelRun(), folder / "run", "history.json", _history(table)
        ),
        "evaluation": _evaluation(
            folder / "evaluation", rows, table, split, baseline, evaluated_good, older, interval
        ),
        "model_blessing": _plain(standard_artifacts.ModelBlessing(), folder / "blessing"),
        "infra_blessing": _with_json(
            standard_artifacts.InfraBlessing(),
            folder / "infra",
            "serving_check.json",
            _serving_check(serving_good),
        ),
        "baseline_model": _production_model(folder / "baseline", production),
    }
    if pushed is not None:
        push = {"pushed": pushed, "version": "1790000000", "reason": "blessed" if pushed else "not blessed"}
        if withdrawn:
            push = {"pushed": False, "version": None, "reason": "this model was withdrawn as version 7"}
        push |= {"best_kept": best_kept} if best_kept else {}
        artifacts["pushed_model"] = _with_json(
            standard_artifacts.PushedModel(), folder / "push", "push.json", push
        )
    properties = {
        "run": "20260901T101500Z",
        "settings": json.dumps(settings),
        "settings_sha256": "ab" * 32,
        "code": "",
    }
    return {name: [artifact] for name, artifact in artifacts.items()}, properties


def _evaluated(
    pairs: list[Pair], model_dir: Path, table: ClassTable, split: str, feature: str, older: bool
) -> Iterator[dict[str, Any]]:
    serve = tf.saved_model.load(str(model_dir)).signatures["serving_default"]
    for name, photo, mask, town in pairs:
        outputs = serve(image_bytes=tf.constant([photo]))
        prediction = class_ids_of(tf.io.decode_png(outputs["mask_png_bytes"][0]).numpy()[..., 0], table)
        values = np.asarray(Image.open(io.BytesIO(mask)))
        counts = np.zeros((len(table), len(table)), np.int64)
        for class_id, value in enumerate(table.values):
            counts[class_id] = np.bincount(prediction[values == value], minlength=len(table))
        flat = counts.ravel().tolist()
        counted = {"counts": flat} if older else {"counts": flat, **COUNTED}
        resolutions = ("model", "photo") if older else ("model", "native")
        columns = {f"{output}_{one}": counted[output] for output in counted for one in resolutions}
        yield {"name": name, "split": split, feature: town, **columns}


def _evaluation(
    folder: Path,
    rows: list[dict[str, Any]],
    table: ClassTable,
    split: str,
    baseline: bool,
    good: bool,
    older: bool,
    interval: list[float] | None,
) -> Any:
    artifact = _plain(standard_artifacts.ModelEvaluation(), folder)
    pq.write_table(pa.Table.from_pylist(rows), str(folder / "photos.parquet"))
    counts = np.sum([row["counts_model"] for row in rows], axis=0).reshape(len(table), len(table))
    diagonal = np.diag(counts)
    union = counts.sum(0) + counts.sum(1) - diagonal
    iou = diagonal[union > 0] / union[union > 0]
    names = [name for name, pixels in zip(table.names, union, strict=True) if pixels]
    iou_by_name = dict(zip(names, iou.tolist(), strict=True))
    native = "photo" if older else "native"
    group = {
        "mean_iou": float(iou.mean()),
        "iou": {name: iou_by_name.get(name) for name in table.names},
        "pixel_accuracy": float(diagonal.sum() / counts.sum()),
    }
    if not older:
        overall = {"mean_boundary_iou": 0.512, "calibration_error": 0.034, "binary_iou": None}
        of_classes = {
            key: dict.fromkeys(table.names, value)
            for key, value in (
                ("dice", 0.801),
                ("precision", 0.802),
                ("recall", 0.803),
                ("boundary_iou", 0.504),
            )
        }
        group |= overall | of_classes
    before = {
        **group,
        "mean_iou": group["mean_iou"] - 0.02,
        "iou": {n: None if v is None else v - 0.02 for n, v in group["iou"].items()},
    }
    evaluation = {
        "split": split,
        "examples": len(rows),
        "blessed": good,
        "reason": f"mean IoU {group['mean_iou']:.4f} at model resolution on {len(rows)} {split} photos: "
        f"{'above' if good else 'below'} the floor 0.6000",
        "model": {**group, "size": [16, 24]},
        native: group,
        **({"mean_iou_interval": interval} if interval else {}),
        "baseline": {"model": {**before, "size": [16, 24]}, native: before} if baseline else None,
    }
    (folder / ("judgement.json" if older else "evaluation.json")).write_text(json.dumps(evaluation))
    return artifact


def _history(table: ClassTable) -> list[dict[str, Any]]:
    return [
        {
            "epoch": epoch,
            "loss": 1.2 / epoch**0.6,
            "mean_iou": 0.8 - 0.5 / epoch,
            "iou": {name: (0.9 - 0.15 * index) - 0.5 / epoch for index, name in enumerate(table.names)},
            "learning_rate": 4e-4 * np.cos(epoch / 13),
            "seconds": 81.5,
        }
        for epoch in range(1, 21)
    ]


def _serving_check(good: bool) -> dict[str, Any]:
    check = {
        "name": "p99 latency",
        "passed": good,
        "detail": "3.1 s is above serving_check.max_p99_seconds = 2 s",
    }
    return {
        "passed": good,
        "reason": "21 checks passed" if good else "p99 latency: 3.1 s is above 2 s",
        "checks": [{"name": "JPEG", "passed": True, "detail": "predicted"}, check],
        "load_seconds": 3.2,
        "p50_seconds": 0.08,
        "p99_seconds": 0.2 if good else 3.1,
        "peak_memory_mb": 812.4,
    }


def _data_report(pairs: list[Pair], table: ClassTable, split: str) -> dict[str, Any]:
    sizes: dict[str, int] = {}
    for _, photo, _, _ in pairs:
        width, height = Image.open(io.BytesIO(photo)).size
        sizes[f"{height}x{width}"] = sizes.get(f"{height}x{width}", 0) + 1
    shares = {name: 1 / len(table) for name in table.names}
    return {
        "counts": {"train": 3125, split: len(pairs)},
        "class_shares": {"train": shares, split: shares},
        "quarantined": [{"file": "images/x.jpg", "reason": "does not decode"}],
        "repaired": [{"file": "images/y.jpg", "reason": "PNG under a .jpg name"}],
        "in_no_list": ["z"],
        "near_duplicates": [{"a": "a", "split_a": "train", "b": "b", "split_b": "test"}],
        "single_class": [],
        "photo_sizes": sizes,
    }


def _examples(folder: Path, pairs: list[Pair], split: str) -> Any:
    artifact = _plain(standard_artifacts.Examples(), folder)
    artifact.split_names = artifact_utils.encode_split_names(["train", split])
    (folder / f"Split-{split}").mkdir()
    path = folder / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz"
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type="GZIP")) as writer:
        for name, photo, mask, _ in pairs:
            features = {"image/name": name.encode(), "image/encoded": photo, "mask/encoded": mask}
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for key, value in features.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return artifact


def _anomalies(folder: Path, split: str) -> Any:
    artifact = _plain(standard_artifacts.ExampleAnomalies(), folder)
    artifact.split_names = artifact_utils.encode_split_names(["train", split])
    for name in ("train", split):
        anomalies = anomalies_pb2.Anomalies()
        if name == "train":
            anomalies.anomaly_info[
                "label/town"
            ].description = "Examples contain values missing from the schema"
        (folder / f"Split-{name}").mkdir()
        (folder / f"Split-{name}" / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())
    return artifact


def _statistics(folder: Path, towns: list[str]) -> Any:
    artifact = _plain(standard_artifacts.ExampleStatistics(), folder)
    (folder / "Split-train").mkdir()
    content = statistics_of(towns, "train").SerializeToString()
    (folder / "Split-train" / "FeatureStats.pb").write_bytes(content)
    return artifact


def _schema(folder: Path) -> Any:
    artifact = _plain(standard_artifacts.Schema(), folder)
    (folder / "schema.pbtxt").write_text(SCHEMA)
    return artifact


def _production_model(folder: Path, towns: list[str] | None) -> Any:
    if towns is not None:
        extra = folder / "Format-Serving" / "assets.extra"
        extra.mkdir(parents=True)
        (extra / "statistics.pb").write_bytes(statistics_of(towns, "train").SerializeToString())
    return _plain(standard_artifacts.Model(), folder)


def _plain(artifact: Any, folder: Path) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    artifact.uri = str(folder)
    return artifact


def _with_json(artifact: Any, folder: Path, name: str, content: Any) -> Any:
    _plain(artifact, folder)
    (folder / name).write_text(json.dumps(content))
    return artifact
