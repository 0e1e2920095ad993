"""What an export leaves in its folder."""

import json
import shutil

import numpy as np
import pytest

from components.exporter import export_files as module
from components.exporter.export_files import _place, export_files
from components.exporter.settings import ExportSettings
from tests.components.tiny_models import raw_example, write_split
from tests.trainer.export.networks import trained
from tests.trainer.pictures import THREE_CLASSES, encode, smooth_photo
from trainer.export.export_model import export_model
from trainer.settings import TrainingSettings

SIZE = 32
FORMATS = ("litert_float16", "onnx")
FILES = {
    "exports.json",
    "model.onnx",
    "model_float16.tflite",
    "pictures/litert_float16.jpg",
    "pictures/onnx.jpg",
    "run_litert.py",
    "run_onnx.py",
}


def test_a_refused_file_takes_the_place_of_no_earlier_one(tmp_path):
    file = tmp_path / "scratch" / "model.onnx"
    file.parent.mkdir()
    file.write_bytes(b"first")
    output = tmp_path / "output"
    _place(file, True, output)
    assert (output / "model.onnx").read_bytes() == b"first"
    file.write_bytes(b"second")
    _place(file, False, output)
    assert not (output / "model.onnx").exists(), "it would be taken for the refused one"


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """Exports a tiny model into a folder."""
    folder = tmp_path_factory.mktemp("model")
    settings = TrainingSettings(
        classes={"classes": THREE_CLASSES},
        model={"architecture": "unet", "encoder": "plain", "encoder_width": 4, "image_size": SIZE},
    )
    photos = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    export_model(trained(settings), settings, str(folder / "model"), None, photos, ["a"], "# Card")
    generator = np.random.default_rng(0)
    records = [
        raw_example(
            f"photo_{index}",
            generator.integers(1, 4, (40, 50), np.uint8),
            {},
            encode(smooth_photo(generator, 40, 50)),
        )
        for index in range(9)
    ]
    write_split(folder / "examples", records)
    (examples,) = map(str, (folder / "examples").iterdir())

    patch = pytest.MonkeyPatch()
    patch.setattr(module, "convert", _once(module.convert, folder))

    def run(output, formats=FORMATS):
        # Its labels are random: no loss is too large.
        loose = ExportSettings(formats=formats, max_loss=1, max_slice_loss=1)
        return export_files(str(folder / "model"), [examples], [examples], loose, [], output)

    yield run
    patch.undo()


def _once(convert, folder):
    """Converts to each format once: a converter imports TensorFlow, in a process of its own."""

    def converted(model, name, calibration, file):
        kept = folder / file.name
        if not kept.exists():
            assert convert(model, name, calibration, kept) == []
        shutil.copy(kept, file)
        return []

    return converted


def written(folder):
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_an_export_that_ends_in_the_middle_leaves_no_verdicts_and_the_next_one_works(
    export, tmp_path, monkeypatch
):
    output = tmp_path / "output"
    (output).mkdir()
    (output / "exports.json").write_text("{}")
    with monkeypatch.context() as during:
        during.setattr(module, "write_script", _killed)
        with pytest.raises(KeyboardInterrupt):
            export(output)
    assert not (output / "exports.json").exists(), "an earlier export's verdicts beside this one's files"
    assert written(output) == {"model_float16.tflite"}
    exports = export(output)
    assert written(output) == FILES
    assert json.loads((output / "exports.json").read_text()) == exports
    assert list(exports) == list(FORMATS)
    assert {entry["examples"] for entry in exports.values()} == {9}


def test_nothing_is_written_before_all_files_are_evaluated(export, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "measure", _killed)
    with pytest.raises(KeyboardInterrupt):
        export(tmp_path / "output")
    assert not (tmp_path / "output").exists()


def test_the_model_predicts_once_for_all_formats(export, tmp_path, monkeypatch):
    calls = []
    segmenter = module.SavedModelSegmenter
    masks = segmenter.masks
    monkeypatch.setattr(
        segmenter, "masks", lambda self, photos: calls.append(len(photos)) or masks(self, photos)
    )
    exports = export(tmp_path / "output")
    assert sum(calls) == 9
    assert all(entry["pixel_agreement"] > 0.98 for entry in exports.values())
    assert all(entry["latency_ms"]["photos"] >= 50 for entry in exports.values())


def _killed(*_):
    raise KeyboardInterrupt
