"""Exported files leave only if they are as good as the model, on every slice."""

import json
import shutil
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
import yaml
from PIL import Image

from petseg.files.object_store import StorePath
from petseg.segmenter import Segmenter
from petseg.versions import fetch_version, list_versions, model_digest
from tests.components.exporter.without_tensorflow import by_script, make_site
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


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    """The pushed version of that run, and a folder with what `export` makes of it."""
    _, output = run
    (number,) = list_versions(output / "serving_model")
    folder = tmp_path_factory.mktemp("exported")
    formats = [word for name in FORMATS for word in ("--format", name)]
    done = petseg("export", "--model", output / "serving_model", *formats, "--output", folder)
    assert done.status == 0, done.stdout + done.stderr
    return output / "serving_model" / str(number), folder


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
@pytest.mark.parametrize(
    ("file", "script"), [("model.onnx", "run_onnx.py"), ("model_float16.tflite", "run_litert.py")]
)
def test_scripts_make_the_masks_of_the_model_on_fifty_test_photos(
    file, script, data, exported, tmp_path_factory
):
    version, folder = exported
    site = make_site(tmp_path_factory.mktemp("site"))
    segmenter = Segmenter(str(version))
    photos = sorted((data / "images").glob("test*.png"))[:50]
    assert len(photos) == 50
    equal = []
    for photo in photos:
        (expected,) = segmenter([photo.read_bytes()])
        equal.append(by_script(folder / file, script, photo, site) == expected.values)
    assert np.mean(equal) >= 0.999


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
    assert read.stderr == "", "a program reads it, and no person its progress"


@pytest.mark.slow
def test_a_copied_version_is_compared_with_its_file_on_other_data(run, data, tmp_path):
    _, output = run
    (number,) = list_versions(output / "serving_model")
    copy = shutil.copytree(output / "serving_model" / str(number), tmp_path / "copy")
    (copy / "origin.json").unlink()
    files = [copy, copy / "exports" / "model_float16.tflite"]
    done = petseg("compare", *files, "--data", data, "--output", tmp_path / "page.html")
    assert done.status == 0, done.stdout + done.stderr
    assert "SegmentationExampleGen  done" in done.stderr, "it shows what it reads"
    assert "B against A, mean IoU at native resolution: " in done.stdout
    assert f"B  {files[1]}" in done.stdout


@pytest.mark.slow
def test_export_refuses_a_folder_that_it_would_spoil(run, tmp_path):
    _, output = run
    (number,) = list_versions(output / "serving_model")
    version = output / "serving_model" / str(number)
    inside = petseg("export", "--model", version, "--format", "onnx", "--output", version / "exports")
    assert inside.status == 2
    assert "a pushed version never changes; use another folder" in inside.stderr
    (tmp_path / "exports.json").write_text('{"litert_int8": {}}')
    other = petseg("export", "--model", version, "--format", "onnx", "--output", tmp_path)
    assert other.status == 2
    assert "it has files of another export (litert_int8); use another folder" in other.stderr


@pytest.mark.slow
def test_wrong_formats_are_named(run, tmp_path):
    _, output = run
    done = petseg("export", "--model", output / "serving_model", "--format", "onx", "--output", tmp_path)
    assert done.status == 2
    assert "did you mean onnx?" in done.stderr


def converters(process):
    """The processes that a process has started and that convert."""
    return [child for child in process.children(recursive=True) if _converts(child)]


def _converts(process):
    try:
        return "trainer.export.convert" in process.cmdline()
    except psutil.Error:
        # It has just ended.
        return False


def kill_in_the_middle(command, log):
    """Kills a command while it converts, and checks that the converter dies with it."""
    with log.open("w") as said:
        process = psutil.Popen(
            [sys.executable, "pipeline_runner.py", *map(str, command)],
            cwd=PROJECT,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    try:
        while not (running := converters(process)):
            assert process.poll() is None, log.read_text()
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(running, timeout=30)
    assert not alive


def contents(folder):
    return {file.relative_to(folder).as_posix(): file.stat().st_mtime_ns for file in folder.rglob("*")}


@pytest.mark.slow
def test_a_killed_exporter_leaves_nothing_in_a_version(config, tmp_path):
    output = tmp_path / "out"
    # Whatever the model is worth.
    loose = ["--set", "trainer.epochs=2", "--set", "evaluation.floor=0", "--set", "export.max_slice_loss=1"]
    command = ["run", "--config", config, "--output", output, *loose]
    kill_in_the_middle(command, tmp_path / "killed.txt")
    assert list_versions(output / "serving_model") == []
    left = {file.name for file in output.rglob("*") if file.is_file()}
    assert not left & {"exports.json", "model.onnx", "model_float16.tflite"}
    done = petseg(*command)
    assert done.status == 0, done.stdout + done.stderr
    assert states(done.stdout)["Trainer"] == "reused"
    (number,) = list_versions(output / "serving_model")
    exports = output / "serving_model" / str(number) / "exports"
    assert set(json.loads((exports / "exports.json").read_text())) == set(FORMATS)
    assert (exports / "model.onnx").is_file()


@pytest.mark.slow
def test_a_killed_export_leaves_no_file_and_no_verdict(run, tmp_path):
    _, output = run
    before = contents(output / "serving_model")
    command = [
        "export",
        "--model",
        output / "serving_model",
        "--format",
        "onnx",
        "--output",
        tmp_path / "onnx",
    ]
    kill_in_the_middle(command, tmp_path / "killed.txt")
    assert {file.name for file in (tmp_path / "onnx").iterdir()} == {"export.log"}
    assert petseg(*command).status == 0
    assert {"exports.json", "model.onnx", "run_onnx.py"} <= {
        file.name for file in (tmp_path / "onnx").iterdir()
    }
    assert contents(output / "serving_model") == before


@pytest.mark.slow
@pytest.mark.parametrize("store", ["s3", "gs"])
def test_exported_files_are_in_the_store_with_the_version(store, run, config, tmp_path, request):
    request.getfixturevalue(store)
    _, output = run
    pushed = f"{store}://bucket/exports"
    done = petseg("run", "--config", config, "--output", output, "--set", f"push.directory={pushed}")
    assert done.status == 0, done.stdout + done.stderr
    assert states(done.stdout)["Trainer"] == "reused"
    (number,) = list_versions(pushed)
    folder = StorePath(f"{pushed}/{number}/exports")
    assert {"exports.json", "model_float16.tflite", "run_litert.py"} <= set(folder.files_below())
    verdicts = json.loads((folder / "exports.json").read_text())
    assert verdicts["litert_float16"]["bytes"] == len((folder / "model_float16.tflite").read_bytes())
    fetch_version(pushed, str(number), tmp_path / "model")
    assert not (tmp_path / "model" / "exports").exists()
