"""A pushed model of a tiny network, the run that pushed it, and its exported files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from components.exporter.export_files import SavedModelSegmenter, export_files
from components.exporter.progress import SILENT
from components.exporter.settings import ExportSettings
from petseg.evaluation.files import PHOTOS_FILE
from petseg.evaluation.resolutions import FORMER_NATIVE
from petseg.versions.origin import ORIGIN_FILE, Origin
from pipeline.exporting.evaluate import evaluate
from tests.components.tiny_models import raw_example, write_split
from tests.pipeline.run_folders import write_run
from tests.trainer.export.networks import trained
from tests.trainer.pictures import THREE_CLASSES, encode, smooth_photo
from trainer.export.export_model import export_model
from trainer.settings import TrainingSettings

RUN_ID, VERSION = "20260901-101500", "1780000000"
SIZE = 32
WEATHER = "label/weather"
FORMATS = ("litert_float16", "onnx")
TEST_PHOTOS = 12

SETTINGS = TrainingSettings(
    classes={"classes": THREE_CLASSES},
    model={"architecture": "unet", "encoder": "plain", "encoder_width": 4, "image_size": SIZE},
)


def version_of(output: Path) -> Path:
    return output / "serving_model" / VERSION


@pytest.fixture(scope="session")
def exported_output(tmp_path_factory) -> Path:
    """Output folder of a run; its model is right on most pixels. Not to be changed."""
    output = tmp_path_factory.mktemp("exported")
    version = version_of(output)
    photos = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    export_model(trained(SETTINGS), SETTINGS, str(version), None, photos, ["a", "b"], "# Card")
    examples = output / "pipeline_root" / "examples"
    for split, count in (("train", 4), ("test", TEST_PHOTOS)):
        write_split(examples / f"Split-{split}", labeled(version, split, count))
    (version / ORIGIN_FILE).write_text(
        Origin(run_id=RUN_ID, output=str(output), examples=str(examples)).to_json()
    )
    train, test = (tf.io.gfile.glob(f"{examples}/Split-{split}/*") for split in ("train", "test"))
    # Random weights leave many pixels in doubt.
    settings = ExportSettings(formats=FORMATS, max_loss=0.05)
    export_files(str(version), train, test, settings, [WEATHER], version / "exports")
    run = write_run(output, RUN_ID, push={"pushed": True, "version": VERSION, "reason": ""})
    evaluate(version, None, test, [WEATHER], run / PHOTOS_FILE, SILENT)
    write_settings(run)
    return output


def labeled(version: Path, split: str, count: int) -> list[bytes]:
    """Raw examples whose masks are the model's own but for a corner."""
    segmenter = SavedModelSegmenter(str(version))
    records = []
    for index in range(count):
        photo = encode(smooth_photo(np.random.default_rng(index), 40, 50))
        (mask,) = segmenter.masks([photo])
        mask = mask.copy()
        mask[:8, :8] = 1
        records.append(raw_example(f"{split}_{index}", mask, {WEATHER: ("sun", "rain")[index % 2]}, photo))
    return records


def write_settings(run: Path) -> None:
    """Settings of the run: those of the model, and its slices."""
    stored = SETTINGS.model_dump(mode="json", by_alias=True)
    settings = {
        "data": {"path": "photos", "classes": stored["classes"], "slice_features": [WEATHER]},
        "model": stored["model"],
    }
    (run / "settings.yaml").write_text(yaml.safe_dump(settings))
    metrics = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps({**metrics, FORMER_NATIVE: metrics["native"]}))


@pytest.fixture
def copied_version(exported_output, tmp_path) -> Path:
    """The pushed version in a bare folder."""
    return shutil.copytree(version_of(exported_output), tmp_path / "copied")
