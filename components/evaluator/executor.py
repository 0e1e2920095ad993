"""Evaluates a model on the raw examples of one split, and blesses it or not."""

import glob
import hashlib
import json
import logging
import os
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.evaluator.counting import RECORD_KEY, CountPixels
from components.evaluator.eval_config import BASELINE, CANDIDATE, eval_config
from components.evaluator.known_counts import has_known_counts, keep_known_counts, write_known_counts
from components.evaluator.metrics.summed_counts import COUNTS_KEY
from components.evaluator.parquet_shards import sort_shards
from components.evaluator.photo_rows import write_photo_rows
from components.evaluator.settings import EvaluatorSettings
from components.evaluator.verdict import evaluation_result
from petseg.class_table import ClassTable
from petseg.errors import UserError
from petseg.evaluation.bootstrap import mean_iou_interval, sparse_overlaps
from petseg.evaluation.files import EVALUATION_FILE, PHOTOS_FILE
from petseg.evaluation.photo_counts import examples_digest, iterate_confusion
from petseg.files.atomic import write_atomic
from petseg.files.originals import with_originals
from petseg.metrics.iou import intersection_and_union
from petseg.saved_model import EXTRA_FOLDER, SETTINGS_FILE
from petseg.shards import shard_files
from petseg.versions import model_digest

COUNTS_FOLDER, ROWS_FOLDER = "known_counts", "photo_rows"
"""In the evaluation until the pass has finished."""


class Executor(base_beam_executor.BaseBeamExecutor):
    """Counts in one Beam pass, computes metrics and validates with TFMA, and writes the verdict.

    TFX's own Evaluator parses each record into Arrow, keeps the image bytes in every extract, and takes an
    empty artifact for a baseline. This executor passes batches of serialized examples to the `evaluate`
    signatures and keeps only counts and slice features. TFMA does the rest: slices, metrics, bounds, files.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates `model` beside `baseline_model`; see the component for inputs and outputs.

        Raises:
            UserError: The split has no photos, or the model in production has other classes.
        """
        settings = EvaluatorSettings.model_validate_json(exec_properties["evaluation_settings"])
        models = _model_paths(input_dict)
        if BASELINE in models:
            _check_classes(models[BASELINE], settings.classes)
        config = eval_config(settings, has_baseline=BASELINE in models)
        files = _record_files(input_dict["examples"], settings.evaluation.split)
        evaluation_uri = artifact_utils.get_single_uri(output_dict["evaluation"])
        known_counts = _known_counts_files(exec_properties["known_counts"], models, files)
        with self._make_beam_pipeline() as pipeline:
            _evaluate_in_one_pass(pipeline, files, models, settings, config, evaluation_uri, known_counts)
        if known_counts:
            # Not written where they are kept: Beam leaves its temporary files there when it is killed.
            keep_known_counts(os.path.join(evaluation_uri, COUNTS_FOLDER), exec_properties["known_counts"])
        _forget_others(exec_properties["known_counts"], known_counts)
        photos = os.path.join(evaluation_uri, PHOTOS_FILE)
        # Sorted, so that the file does not depend on the engine.
        sort_shards(os.path.join(evaluation_uri, ROWS_FOLDER), photos, "name")
        result = evaluation_result(
            evaluation_uri,
            settings,
            model_size=_model_size(models[CANDIDATE]),
            has_baseline=BASELINE in models,
            baseline_size=_model_size(models[BASELINE]) if BASELINE in models else None,
        )
        result["mean_iou_interval"] = _mean_iou_interval(photos, len(settings.classes))
        result["examples_sha256"] = examples_digest(photos, len(settings.classes))
        result["examples_uri"] = with_originals(artifact_utils.get_single_uri(input_dict["examples"]))
        write_atomic(
            os.path.join(evaluation_uri, EVALUATION_FILE), json.dumps(result, indent=2, allow_nan=False)
        )
        _write_blessing(input_dict, output_dict, result["blessed"])
        logging.getLogger("petseg").info(
            "%s: %s", "blessed" if result["blessed"] else "refused", result["reason"]
        )


def _model_paths(input_dict: dict[str, list[types.Artifact]]) -> dict[str, str]:
    """Paths of the SavedModels; the baseline is left out where production is empty (the first run)."""
    paths = {CANDIDATE: artifact_utils.get_single_uri(input_dict["model"])}
    if input_dict.get("baseline_model"):
        paths[BASELINE] = artifact_utils.get_single_uri(input_dict["baseline_model"])
    paths = {name: path_utils.serving_model_path(uri) for name, uri in paths.items()}
    if BASELINE in paths and not fileio.exists(paths[BASELINE]):
        del paths[BASELINE]
    return paths


def _training_settings(model_path: str) -> dict[str, Any]:
    """The model's training settings as plain JSON: those of an older model may have other fields."""
    with fileio.open(os.path.join(model_path, EXTRA_FOLDER, SETTINGS_FILE)) as file:
        return json.loads(file.read())


def _model_size(model_path: str) -> list[int] | None:
    """Height and width of the model's input; None where the model has no resolution of its own."""
    settings = _training_settings(model_path)
    if settings.get("transform", {}).get("fit") == "tile":
        return None
    size = settings["model"]["image_size"]
    return size if isinstance(size, list) else [size, size]


def _check_classes(model_path: str, classes: ClassTable) -> None:
    trained = ClassTable.model_validate(_training_settings(model_path)["classes"])
    # Another ignored_value can be compared: `evaluate` ignores every value that is no class's.
    if trained.values != classes.values:
        raise UserError(
            f"the model in production was trained on the mask values {list(trained.values)}, the data has "
            f"{list(classes.values)}: set another push.directory for models with other classes"
        )


def _record_files(examples: list[types.Artifact], split: str) -> list[str]:
    """The split's TFRecord files.

    Raises:
        UserError: There is no such split, or no photo in it.
    """
    artifact = artifact_utils.get_single_instance(examples)
    files: list[str] = []
    if split in artifact_utils.decode_split_names(artifact.split_names):
        pattern = io_utils.all_files_pattern(artifact_utils.get_split_uri(examples, split))
        files = shard_files([pattern])
    if not files or not any(True for _ in tf.data.TFRecordDataset(files, "GZIP").take(1)):
        raise UserError(f"{artifact.uri}: split `{split}` has no photos to evaluate a model on")
    return files


def _known_counts_files(folder: str, models: dict[str, str], files: list[str]) -> dict[str, str]:
    """File with each model's counts of these files; none if a model is on remote storage."""
    if not folder or not all(os.path.isdir(path) for path in models.values()):
        return {}
    os.makedirs(folder, exist_ok=True)
    photos = hashlib.sha256("\n".join(files).encode()).hexdigest()
    return {
        name: os.path.join(folder, f"{model_digest(path)[:32]}-{photos[:32]}.parquet")
        for name, path in models.items()
    }


def _forget_others(folder: str, known_counts: dict[str, str]) -> None:
    """Removes the counts of models that are no longer candidate or in production."""
    for file in glob.glob(os.path.join(folder, "*.parquet")) if known_counts else []:
        if file not in known_counts.values():
            os.remove(file)


def _evaluate_in_one_pass(
    pipeline: beam.Pipeline,
    files: list[str],
    models: dict[str, str],
    settings: EvaluatorSettings,
    config: config_pb2.EvalConfig,
    evaluation_uri: str,
    known_counts: dict[str, str],
) -> None:
    existing = {name: file for name, file in known_counts.items() if has_known_counts(file)}
    batch_size = settings.evaluation.batch_size
    photos = (
        pipeline
        | "Files" >> beam.Create(files)
        | "Read" >> beam.io.ReadAllFromTFRecord()
        | "Batch" >> beam.BatchElements(min_batch_size=batch_size, max_batch_size=batch_size)
        | "CountPixels" >> beam.ParDo(CountPixels(models, settings.slice_features, existing))
    )
    unwritten = {file: name for name, file in known_counts.items() if name not in existing}
    for file, name in unwritten.items():
        written = os.path.join(evaluation_uri, COUNTS_FOLDER, os.path.basename(file))
        _ = photos | f"Remember[{name}]" >> write_known_counts(written, name, RECORD_KEY, COUNTS_KEY)
    _ = photos | "WritePhotos" >> write_photo_rows(
        os.path.join(evaluation_uri, ROWS_FOLDER),
        settings.evaluation.split,
        settings.slice_features,
        len(settings.classes),
    )
    # Not tfma.ExtractAndEvaluate, which warns for each photo that extracts without the input have no weight.
    slice_keys = tfma.extractors.SliceKeyExtractor(eval_config=config, materialize=False)
    evaluator = tfma.evaluators.MetricsPlotsAndValidationsEvaluator(eval_config=config)
    _ = (
        photos
        | slice_keys.stage_name >> slice_keys.ptransform
        | evaluator.stage_name >> evaluator.ptransform
        | "WriteResults" >> tfma.WriteResults(writers=_writers(evaluation_uri, config, models))
    )


def _writers(
    evaluation_uri: str, config: config_pb2.EvalConfig, models: dict[str, str]
) -> list[tfma.writers.Writer]:
    kinds = ("metrics", "plots", "attributions", "validations")
    return [
        tfma.writers.EvalConfigWriter(
            evaluation_uri,
            eval_config=config,
            model_locations={name: with_originals(path) for name, path in models.items()},
        ),
        tfma.writers.MetricsPlotsAndValidationsWriter(
            output_paths={kind: os.path.join(evaluation_uri, kind) for kind in kinds},
            eval_config=config,
            output_file_format="tfrecord",
        ),
    ]


def _mean_iou_interval(photos: str, classes: int) -> list[float] | None:
    """The 95% interval of the mean IoU at native resolution; None without a labeled pixel."""
    parts = (intersection_and_union(confusion) for _, confusion in iterate_confusion(photos, classes))
    low, high = mean_iou_interval(sparse_overlaps(parts))
    return None if np.isnan(low) else [low, high]


def _write_blessing(
    input_dict: dict[str, list[types.Artifact]], output_dict: dict[str, list[types.Artifact]], blessed: bool
) -> None:
    """Writes the blessing as TFX's Evaluator does, so that TFX's Pusher and resolvers can read it."""
    blessing = artifact_utils.get_single_instance(output_dict["blessing"])
    model = artifact_utils.get_single_instance(input_dict["model"])
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, with_originals(model.uri)
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    file_name = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
    write_atomic(os.path.join(blessing.uri, file_name), "")
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSED_KEY,
        constants.BLESSED_VALUE if blessed else constants.NOT_BLESSED_VALUE,
    )
