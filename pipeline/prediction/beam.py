"""Predicts any number of photos with a Beam engine, in shards; what is done is not done again.

    predictions.json          the model and its class table
    masks/part-<id>.tar       a palette PNG for each photo
    shares/part-<id>.parquet  a row for each photo: its path, its mask, why it is broken, confidence, shares

A shard's table is written last, and a photo that is in a table is done. A photo whose file changes later
keeps its prediction.
"""

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.shared import Shared
from pydantic import ValidationError

from petseg.class_table import ClassTable
from petseg.errors import UserError
from petseg.files.atomic import atomic_file, write_atomic
from petseg.files.local_folder import check_writable_folder
from petseg.files.object_store import as_path, check_scheme, check_writable, is_url
from petseg.files.png_chunks import with_palette
from petseg.versions import model_digest
from pipeline.beam_checks.check import EngineRun
from pipeline.beam_checks.engine import look_up
from pipeline.beam_checks.flink import with_flink_version
from pipeline.beam_settings import BeamSettings
from pipeline.config_file import read_config
from pipeline.prediction.model import load_segmenter, local_model
from pipeline.prediction.photos import PhotoFile, find_photos
from pipeline.prediction.predict import Predicted
from pipeline.runners.local.beam_jobs import watch_jobs
from pipeline.runners.local.job_servers import stop_job_servers
from pipeline.runs.run_log import redirect_output

SHARD_PHOTOS = 256
"""Photos of a shard, the unit of work: what a killed worker loses."""

PREDICTIONS_FILE = "predictions.json"


@dataclass(frozen=True)
class _Row:
    photo: str
    mask: str | None
    error: str | None
    confidence: float | None
    shares: list[float] | None


class PredictShard(beam.DoFn):
    """Writes the shard of a list of photos, and yields how many they are."""

    def __init__(self, model: str, output: str):
        """Initializes the step.

        Args:
            model: Folder or URL of the version.
            output: Folder or URL of the results.
        """
        self._model, self._output = model, output
        self._shared = Shared()

    def process(self, photos: list[PhotoFile]) -> Iterator[int]:
        """Predicts the photos; a broken one is a row with the reason."""
        from pipeline.prediction.segmenting import segment_all

        # Loaded once per process.
        segmenter = self._shared.acquire(lambda: load_segmenter(local_model(self._model)))
        classes = segmenter.classes
        palette = dict(zip(classes.values, classes.colors, strict=True))
        part = _part(photos)
        rows = []
        with (
            atomic_file(f"{self._output}/masks/{part}.tar") as unfinished,
            tarfile.open(unfinished, "w") as tar,
        ):
            for result in segment_all(photos, segmenter):
                prediction = result.prediction
                if prediction is None:
                    rows.append(_Row(str(result.photo), None, result.error, None, None))
                    continue
                name = f"{result.photo.name}.png"
                png = with_palette(prediction.mask_png, palette)
                entry = tarfile.TarInfo(name)
                entry.size = len(png)
                tar.addfile(entry, io.BytesIO(png))
                shares = prediction.class_shares.tolist()
                rows.append(
                    _Row(str(result.photo), f"{part}.tar/{name}", None, prediction.confidence, shares)
                )
        with atomic_file(f"{self._output}/shares/{part}.parquet") as unfinished:
            pq.write_table(_table(rows, classes), unfinished)
        yield len(photos)


def predict_with_beam(model: str, images: Sequence[str], output: str, config: Path | None) -> Predicted:
    """Predicts the photos that have no prediction in the output yet.

    Args:
        model: Folder or URL of a pushed version, or of all versions. Workers on other machines must reach it.
        images: Photos and folders of photos, see `find_photos`.
        output: Folder or URL of the results; created if missing.
        config: Config whose part `beam` names the engine; None: the default engine.

    Raises:
        UserError: There is no model or no photo, the output cannot be written or is of another model, or the
            config is wrong.
        EngineError: The engine cannot go on.
    """
    engine = _engine(config)
    look_up(EngineRun(engine))
    engine = with_flink_version(engine)
    version = local_model(model)
    found = find_photos([path if is_url(path) else os.path.abspath(path) for path in images])
    target = output if is_url(output) else os.path.abspath(output)
    classes = _check_output(target, version)
    done = set(_column(target, "photo"))
    todo = [photo for photo in found.photos if str(photo) not in done]
    shards = [todo[start : start + SHARD_PHOTOS] for start in range(0, len(todo), SHARD_PHOTOS)]
    workers_model = model if is_url(model) else str(version.resolve())
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder if is_url(target) else target, "predict.log")
        options = PipelineOptions(engine.pipeline_args)
        with (
            redirect_output(log),
            stop_job_servers(),
            watch_jobs(engine),
            beam.Pipeline(options=options) as pipeline,
        ):
            _ = (
                pipeline
                | "Shards" >> beam.Create(shards)
                | "Spread" >> beam.Reshuffle()
                | "Predict" >> beam.ParDo(PredictShard(workers_model, target))
            )
    predicted = Predicted(str(version), output, found, already_done=len(found.photos) - len(todo))
    return _summary(predicted, target, classes)


def _engine(config: Path | None) -> BeamSettings:
    if config is None:
        return BeamSettings()
    part = read_config(config).get("beam") or {}
    try:
        return BeamSettings.model_validate(part)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(["beam", *map(str, first["loc"])])
        raise UserError(f"config {config}: {key}: {first['msg']}") from None


def _check_output(output: str, version: Path) -> ClassTable:
    """Records the model in a new output, and refuses one with predictions of another model."""
    check_scheme("--output", output)
    if is_url(output):
        check_writable(output)
    else:
        check_writable_folder("--output", Path(output))
        for folder in ("masks", "shares"):
            Path(output, folder).mkdir(parents=True, exist_ok=True)
    settings = json.loads((version / "assets.extra" / "settings.json").read_text())
    classes = ClassTable.model_validate(settings["classes"])
    record = {"model": model_digest(version), "classes": classes.model_dump(mode="json")["classes"]}
    try:
        before = json.loads((as_path(output) / PREDICTIONS_FILE).read_text())
    except FileNotFoundError:
        write_atomic(f"{output}/{PREDICTIONS_FILE}", json.dumps(record, indent=2) + "\n")
        return classes
    if before.get("model") != record["model"]:
        raise UserError(f"--output {output} has predictions of another model; name another folder")
    return classes


def _part(photos: Sequence[PhotoFile]) -> str:
    """Name of a shard, the same where a worker does it again."""
    digest = hashlib.sha256("\n".join(map(str, photos)).encode()).hexdigest()
    return f"part-{digest[:16]}"


def _table(rows: Sequence[_Row], classes: ClassTable) -> pa.Table:
    empty = [None] * len(classes)
    columns: dict[str, pa.Array] = {
        "photo": pa.array([row.photo for row in rows], pa.string()),
        "mask": pa.array([row.mask for row in rows], pa.string()),
        "error": pa.array([row.error for row in rows], pa.string()),
        "confidence": pa.array([row.confidence for row in rows], pa.float32()),
    }
    for index, key in enumerate(classes.keys):
        columns[f"share_{key}"] = pa.array([(row.shares or empty)[index] for row in rows], pa.float32())
    return pa.table(columns)


def _tables(output: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The tables of the finished shards, one at a time."""
    for file in as_path(f"{output}/shares").iterdir():
        if file.name.startswith("part-"):
            yield pq.read_table(io.BytesIO(file.read_bytes()), columns=columns)


def _column(output: str, name: str) -> Iterator[Any]:
    for table in _tables(output, [name]):
        yield from table.column(name).to_pylist()


def _summary(predicted: Predicted, output: str, classes: ClassTable) -> Predicted:
    """Adds errors and mean shares of the photos that were asked for."""
    asked = {str(photo) for photo in predicted.found.photos}
    errors: dict[str, str] = {}
    total, count = np.zeros(len(classes)), 0
    for table in _tables(output):
        rows = table.filter(pa.array([photo in asked for photo in table.column("photo").to_pylist()]))
        broken = rows.filter(pc.is_valid(rows.column("error")))
        errors |= dict(zip(*(broken.column(name).to_pylist() for name in ("photo", "error")), strict=True))
        shares = [rows.column(f"share_{key}") for key in classes.keys]
        total += [pc.sum(column).as_py() or 0.0 for column in shares]
        count += rows.num_rows - broken.num_rows
    means = dict(zip(classes.names, (total / max(count, 1)).round(6).tolist(), strict=True)) if count else {}
    return replace(predicted, errors=errors, mean_shares=means)
