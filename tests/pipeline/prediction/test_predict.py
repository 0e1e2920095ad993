"""What `predict` and `app` refuse in one line, and which files of a folder they take for photos."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from pipeline.prediction.predict import Outputs, predict
from tests.conftest import petseg


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a.jpg", "B.PNG"):
        Image.new("RGB", (40, 30), (200, 30, 30)).save(folder / name)
    return folder


def test_files_that_no_reader_takes_for_photos_are_skipped_and_counted(model, photos, tmp_path):
    for name in ("._a.jpg", "Thumbs.db", ".DS_Store", ".hidden.png", "notes.txt"):
        (photos / name).write_bytes(b"no photo")
    (photos / "folder").mkdir()
    done = petseg("predict", "--model", model, "--images", photos, "--output", tmp_path / "out")
    assert done.status == 0, done.stderr
    assert done.stderr == ""
    assert "files that are not photos, skipped: 5\n" in done.stdout
    assert {file.name for file in (tmp_path / "out" / "masks").iterdir()} == {"a.png", "B.png"}


def test_a_hidden_file_that_is_named_is_predicted(model, photos, tmp_path):
    hidden = photos / ".hidden.png"
    shutil.copy(photos / "a.jpg", hidden)
    predicted = predict(model, [hidden], tmp_path / "out")
    assert (predicted.unreadable, predicted.skipped) == ([], 0)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


DAMAGES = {
    "cut saved_model.pb": lambda folder: cut(folder / "saved_model.pb"),
    "empty saved_model.pb": lambda folder: empty(folder / "saved_model.pb"),
    "other bytes in saved_model.pb": lambda folder: (folder / "saved_model.pb").write_bytes(b"text\n" * 99),
    "no saved_model.pb": lambda folder: (folder / "saved_model.pb").unlink(),
    "cut variables": lambda folder: cut(next((folder / "variables").glob("*.data-*"))),
    "cut index of variables": lambda folder: cut(folder / "variables" / "variables.index"),
    "no variables": lambda folder: shutil.rmtree(folder / "variables"),
    "cut settings": lambda folder: cut(folder / "assets.extra" / "settings.json"),
    "other settings": lambda folder: (folder / "assets.extra" / "settings.json").write_text("[]"),
}


@pytest.fixture
def damaged(model, tmp_path, request) -> Path:
    folder = tmp_path / "1790000000"
    shutil.copytree(model / "1790000000", folder)
    DAMAGES[request.param](folder)
    return folder


@pytest.mark.parametrize("damaged", DAMAGES, indirect=True)
def test_a_damaged_model_is_named_in_one_line(damaged, photos, tmp_path):
    from petseg.errors import UserError

    with pytest.raises(UserError, match=f"--model {damaged}: the model cannot be loaded: ") as refused:
        predict(damaged, [photos], tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert "use another version" in str(refused.value)


@pytest.mark.parametrize("damaged", ["cut saved_model.pb", "cut variables"], indirect=True)
@pytest.mark.parametrize("command", ["predict", "app"])
def test_commands_on_a_damaged_model_show_no_traceback(command, damaged, photos, tmp_path):
    more = ["--images", photos, "--output", tmp_path / "out"] if command == "predict" else []
    done = petseg(command, "--model", damaged, *more, timeout=120)
    assert done.status == 2
    assert done.stderr.startswith(f"error: --model {damaged}: the model cannot be loaded: ")
    assert done.stderr.count("\n") == 1


def test_an_output_that_is_a_file_is_refused_before_the_model_is_loaded(model, photos, tmp_path):
    (tmp_path / "file").touch()
    for output in (tmp_path / "file", tmp_path / "file" / "below"):
        done = petseg("predict", "--model", model, "--images", photos, "--output", output)
        assert done.status == 2
        assert done.stderr.startswith(f"error: --output: the folder {output} cannot be written: ")
        assert done.stderr.count("\n") == 1


def test_a_model_of_the_last_release_gives_the_same_masks(model, model_of_the_last_release, photos, tmp_path):
    for versions, output in ((model, "now"), (model_of_the_last_release, "before")):
        assert predict(versions, [photos], tmp_path / output).unreadable == []
    for name in ("masks/a.png", "masks/B.png", "overlays/a.jpg"):
        pictures = [Image.open(tmp_path / output / name) for output in ("now", "before")]
        np.testing.assert_array_equal(*pictures)
        assert pictures[0].getpalette() == pictures[1].getpalette()
    assert set(np.unique(Image.open(tmp_path / "now" / "masks" / "a.png"))) <= {10, 20, 30}


def test_folders_below_are_predicted_and_keep_their_names(model, photos, tmp_path):
    (photos / "site" / "deep").mkdir(parents=True)
    shutil.copy(photos / "a.jpg", photos / "site" / "deep" / "a.jpg")
    (photos / "site" / "notes.txt").touch()
    predicted = predict(model, [photos], tmp_path / "out", Outputs(overlays=False))
    assert (predicted.unreadable, predicted.found.left_out) == ([], {".txt": 1})
    masks = (tmp_path / "out" / "masks").rglob("*.png")
    assert {str(file.relative_to(tmp_path / "out" / "masks")) for file in masks} == {
        "a.png",
        "B.png",
        "site/deep/a.png",
    }
    assert not (tmp_path / "out" / "overlays").exists()


def with_photo_range(model: Path, folder: Path, photo_range) -> Path:
    shutil.copytree(model / "1790000000", folder)
    settings = json.loads((folder / "assets.extra" / "settings.json").read_text())
    settings["photos"] = {"photo_range": photo_range, "max_pixels": 10_000}
    (folder / "assets.extra" / "settings.json").write_text(json.dumps(settings))
    return folder


def test_formats_that_clients_cannot_send_are_read_as_run_reads_them(model, tmp_path):
    """Left half at a sixth of the range, right half at five sixths: dark and bright, in every format."""
    photos = tmp_path / "photos"
    photos.mkdir()
    levels = np.full((20, 40), 100 / 600, np.float32)
    levels[:, 20:] = 500 / 600
    tifffile.imwrite(photos / "sixteen.tif", (levels * 4095).astype(np.uint16))
    tifffile.imwrite(photos / "float.tiff", levels * 4095)
    eight = Image.fromarray((levels * 255).astype(np.uint8)).convert("RGB")
    eight.save(photos / "lossless.webp", lossless=True)
    eight.convert("CMYK").save(photos / "print.tif")
    eight.quantize(8).save(photos / "palette.gif")
    folder = with_photo_range(model, tmp_path / "1790000000", [0, 4095])
    predicted = predict(folder, [photos], tmp_path / "out")
    assert predicted.unreadable == []
    for name in ("sixteen", "float", "lossless", "print", "palette"):
        mask = np.asarray(Image.open(tmp_path / "out" / "masks" / f"{name}.png"))
        assert (mask[:, :15] == 10).all(), name
        assert (mask[:, 25:] == 30).all(), name
    Image.new("RGB", (101, 100)).save(photos / "large.png")
    (line,) = predict(folder, [photos], tmp_path / "again").unreadable
    assert "101 x 100 pixels are more than the 10000 allowed" in line


def test_the_summary_for_programs(model, photos, tmp_path):
    (photos / "broken.jpg").write_bytes(b"no photo")
    done = petseg(
        "predict",
        "--model",
        model,
        "--images",
        photos,
        "--output",
        tmp_path / "out",
        "--json",
        "--no-overlays",
    )
    assert done.status == 1
    summary = json.loads(done.stdout)
    assert (summary["photos"], summary["predicted"], summary["left_out"]) == (3, 2, {})
    assert list(summary["unreadable"]) == [str(photos / "broken.jpg")]
    assert sum(summary["mean_shares"].values()) == pytest.approx(1, abs=1e-5)
    assert summary["model"].endswith("1790000000")
