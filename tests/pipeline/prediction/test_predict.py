"""What `predict` and `app` refuse in one line, and which files of a folder they take for photos."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from pipeline.prediction.predict import predict
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
