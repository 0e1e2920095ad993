"""Exported files leave only if they are as good as the model, on every slice."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import yaml
from PIL import Image

from petseg.versions import list_versions, model_digest
from tests.conftest import PROJECT, petseg
from tests.e2e.test_local_run import newest_metrics, states

SIZE = 64
CLASSES = {"ground": (90, 90, 90), "tree": (30, 160, 40), "car": (200, 40, 40)}
WEATHERS = {"sun": "tree", "rain": "car"}
"""The weather decides which class occurs beside the ground."""

SPLITS = {"train": 40, "eval": 8, "test": 70}
FORMATS = ["litert_float16", "onnx"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Photos of a colored square on gray ground, with their weather in a table."""
    folder = tmp_path_factory.mktemp("weather")
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    (folder / "splits").mkdir()
    rng = np.random.default_rng(1)
    rows = ["name,weather"]
    for split, count in SPLITS.items():
        names = [f"{split}{index:03d}" for index in range(count)]
        (folder / f"splits/{split}.txt").write_text("\n".join(names) + "\n")
        for index, name in enumerate(names):
            weather = list(WEATHERS)[index % 2]
            photo = np.full((SIZE, SIZE, 3), CLASSES["ground"], np.uint8)
            mask = np.zeros((SIZE, SIZE), np.uint8)
            top, left = rng.integers(4, 24, 2)
            square = slice(top, top + 32), slice(left, left + 32)
            photo[square] = CLASSES[WEATHERS[weather]]
            mask[square] = list(CLASSES).index(WEATHERS[weather])
            noise = rng.integers(-15, 15, photo.shape)
            Image.fromarray((photo + noise).clip(0, 255).astype(np.uint8)).save(folder / f"images/{name}.png")
            Image.fromarray(mask).save(folder / f"masks/{name}.png")
            rows.append(f"{name},{weather}")
    (folder / "photos.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def config(data):
    """Any loss is allowed overall, so that only a slice can refuse a file."""
    file = data / "config.yaml"
    settings = {
        "data": {
            "path": str(data),
            "format": "folder",
            "classes": list(CLASSES),
            "metadata": "photos.csv",
            "slice_features": ["label/weather"],
        },
        "model": {"architecture": "unet", "encoder": "plain", "encoder_width": 8, "image_size": 32},
        "trainer": {"epochs": 8, "batch_size": 8, "learning_rate": 0.004},
        "export": {"formats": FORMATS, "max_loss": 1.0},
    }
    file.write_text(yaml.safe_dump(settings))
    return file


@pytest.fixture(scope="module")
def run(config, tmp_path_factory):
    """A run whose ONNX file has lost a class; returns what it printed, and its output."""
    output = tmp_path_factory.mktemp("out")
    command = [
        sys.executable,
        "-m",
        "tests.e2e.destroyed_export",
        "run",
        "--config",
        config,
        "--output",
        output,
    ]
    process = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout, output


@pytest.mark.slow
def test_a_destroyed_slice_refuses_the_file_and_not_the_model(run):
    printed, output = run
    (line,) = (line for line in printed.splitlines() if "export onnx: refused" in line)
    assert "label/weather = rain (35 examples): mean IoU" in line
    assert "most on the class car" in line
    (version,) = (
        output / "serving_model" / str(number) for number in list_versions(output / "serving_model")
    )
    exports = json.loads((version / "exports" / "exports.json").read_text())
    assert {name: entry["verdict"] for name, entry in exports.items()} == {
        "litert_float16": "accepted",
        "onnx": "refused",
    }
    assert sorted(file.name for file in (version / "exports").iterdir()) == [
        "exports.json",
        "model_float16.tflite",
        "run_litert.py",
    ]
    accepted = exports["litert_float16"]
    assert accepted["examples"] == SPLITS["test"]
    assert accepted["bytes"] == (version / "exports" / "model_float16.tflite").stat().st_size
    assert accepted["pixel_agreement"] > 0.999
    assert abs(accepted["difference"]) < 0.005
    assert accepted["latency_ms"]["photos"] >= 50
    metrics = newest_metrics(output)
    assert metrics["blessed"]
    assert accepted["mean_iou"] == pytest.approx(metrics["native"]["mean_iou"], abs=0.005)
    assert metrics["exports"]["onnx"]["verdict"] == "refused"


@pytest.mark.slow
def test_the_exported_files_are_not_part_of_the_model(run, tmp_path):
    _, output = run
    (number,) = list_versions(output / "serving_model")
    version = output / "serving_model" / str(number)
    copy = shutil.copytree(version, tmp_path / "copy")
    shutil.rmtree(copy / "exports")
    assert model_digest(copy) == model_digest(version)


@pytest.mark.slow
def test_an_unchanged_run_reuses_the_exports(run, config):
    _, output = run
    # The first one evaluates beside what the run has pushed, which makes a new blessing.
    for _ in range(2):
        again = petseg("run", "--config", config, "--output", output)
        assert again.status == 0, again.stdout + again.stderr
    assert states(again.stdout)["Exporter"] == "reused"
    assert "already in production" in again.stdout
    fetched = output.glob("pipeline_root/ProductionModel/model/*/Format-Serving")
    assert not [folder for folder in fetched if (folder / "exports").exists()]


@pytest.mark.slow
def test_export_finds_the_examples_of_the_run_or_takes_others(run, data, tmp_path):
    _, output = run
    arguments = ["--format", "onnx", "--output", tmp_path / "onnx", "--json"]
    done = petseg("export", "--model", output / "serving_model", *arguments)
    assert done.status == 0, done.stdout + done.stderr
    assert done.stderr == "", "TensorFlow's messages belong into the log"
    assert json.loads(done.stdout)["onnx"]["verdict"] == "accepted"
    assert json.loads(done.stdout)["onnx"]["pixel_agreement"] > 0.9999

    (number,) = list_versions(output / "serving_model")
    copy = shutil.copytree(output / "serving_model" / str(number), tmp_path / "copy")
    (copy / "origin.json").unlink()
    alone = petseg("export", "--model", copy, *arguments)
    assert alone.status == 2
    assert "give photos and masks with --data DIR" in alone.stderr
    read = petseg("export", "--model", copy, *arguments, "--data", data)
    assert read.status == 0, read.stdout + read.stderr
    assert json.loads(read.stdout)["onnx"]["examples"] > 0


@pytest.mark.slow
def test_wrong_formats_are_named(run, tmp_path):
    _, output = run
    done = petseg("export", "--model", output / "serving_model", "--format", "onx", "--output", tmp_path)
    assert done.status == 2
    assert "did you mean onnx?" in done.stderr
