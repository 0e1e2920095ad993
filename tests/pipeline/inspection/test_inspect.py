"""`inspect` says what is in a folder, without TensorFlow."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from petseg.files.object_store import StorePath, copy_folder
from pipeline.inspection.init import write_config
from pipeline.inspection.look import look
from pipeline.inspection.page import write_page
from pipeline.inspection.summary import summarize
from pipeline.settings import load_settings
from tests.browser import needs_chromium, shown
from tests.components.looks.drawn_layouts import LAYOUTS, PAIRS, draw, flat, save
from tests.components.read_examples import read
from tests.conftest import petseg

WITHOUT_TENSORFLOW = ("tensorflow", "tfx", "apache_beam", "keras", "google")


@pytest.fixture(scope="session")
def damaged(tmp_path_factory) -> Path:
    """20 pairs, of them two broken masks, one missing, one of another size, and a photo twice."""
    folder = tmp_path_factory.mktemp("damaged") / "mine"
    flat(folder)
    masks = folder / "masks"
    (masks / "001.png").write_bytes((masks / "001.png").read_bytes()[:60])
    (masks / "002.png").write_text("no image")
    save(masks / "003.png", draw(3)[1][:30])
    (masks / "004.png").unlink()
    shutil.copy(folder / "images/010.jpg", folder / "images/011.jpg")
    (folder / "classes.txt").write_text("ground\ndisc\nsquare\n")
    return folder


def finding(summary: dict, kind: str) -> dict:
    (found,) = [each for each in summary["findings"] if each["kind"] == kind]
    return found


def test_json_says_everything_without_tensorflow(damaged):
    done = petseg("inspect", "--data", damaged, "--json", PYTHONPROFILEIMPORTTIME="1")
    assert done.status == 0
    imported = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "numpy" in imported
    assert not imported & set(WITHOUT_TENSORFLOW)
    summary = json.loads(done.stdout)
    assert (summary["format"], summary["pairs"], summary["opened"]) == ("folder", 19, 19)
    assert {each["file"]: each["reason"] for each in summary["broken"]} == {
        "masks/001.png": "cannot be decoded: image file is truncated",
        "masks/002.png": "is not an image in a format that can be read",
        "masks/003.png": "is 80 x 30 pixels, its photo 80 x 60",
        "masks/004.png": "is missing",
    }
    assert finding(summary, "photos_without_mask")["files"] == ["images/004.jpg"]
    assert finding(summary, "contradictions")["files"] == ["010 / 011"]
    assert [(each["value"], each["name"]) for each in summary["values"]] == [
        (0, "ground"), (1, "disc"), (2, "square"),
    ]  # fmt: skip
    assert sum(each["share"] for each in summary["values"]) == pytest.approx(1)
    assert summary["photos"]["width"] == {"min": 80, "median": 80, "max": 80}
    assert any("broken" in reason for reason in summary["run"]["stops"])


def test_the_terminal_shows_it(damaged):
    done = petseg("inspect", "--data", damaged)
    assert done.status == 0
    for text in (
        "data.format: folder",
        "masks/001.png",
        "masks/002.png",
        "masks/003.png",
        "square",
        "init --data",
    ):
        assert text in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_can_be_looked_at(layout, tmp_path):
    expected = LAYOUTS[layout](tmp_path)
    summary = summarize(look(str(tmp_path)))
    assert summary["format"] == expected.format
    json.dumps(summary)


def test_a_sample_says_so(tmp_path):
    flat(tmp_path)
    done = petseg("inspect", "--data", tmp_path, "--sample", 5)
    assert "20; 5 drawn at random were opened, --sample N opens more" in done.stdout


def test_palettes_of_grays_are_counted_as_a_run_reads_them(tmp_path):
    """`optipng` turns gray masks into palettes whose indices are not the values."""
    for seed in range(PAIRS):
        photo, mask = draw(seed)
        save(tmp_path / f"data/images/{seed}.png", photo)
        indices = Image.fromarray(np.array([2, 0, 1], np.uint8)[mask]).convert("P")
        indices.putdata(np.array([2, 0, 1])[mask].ravel().tolist())
        indices.putpalette([level for level in (1, 2, 0) for _ in range(3)])
        (tmp_path / "data/masks").mkdir(exist_ok=True)
        indices.save(tmp_path / f"data/masks/{seed}.png")
    values = summarize(look(str(tmp_path / "data")))["values"]
    assert [value["value"] for value in values] == [0, 1, 2]
    drawn = np.stack([draw(seed)[1] for seed in range(PAIRS)])
    assert [value["share"] for value in values] == pytest.approx([np.mean(drawn == v) for v in range(3)])


def test_levels_of_a_binary_jpeg_have_the_name_of_their_class(tmp_path):
    LAYOUTS["jpeg_masks"](tmp_path)
    for value in summarize(look(str(tmp_path)))["values"]:
        assert value["name"] == ("class_1" if value["value"] >= 128 else "class_0")


def test_a_folder_with_nothing_and_no_folder(tmp_path):
    done = petseg("inspect", "--data", tmp_path)
    assert done.status == 0
    assert "not recognized" in done.stdout
    done = petseg("inspect", "--data", tmp_path / "no")
    assert (done.status, done.stderr) == (2, f"error: --data: there is no folder {tmp_path / 'no'}\n")


@pytest.mark.parametrize("store", ["s3", pytest.param("gs", marks=pytest.mark.slow)])
def test_a_store_is_looked_at_like_a_folder(tmp_path, store, request):
    request.getfixturevalue(store)
    flat(tmp_path / "data")
    url = f"{store}://bucket/looked-at"
    copy_folder(tmp_path / "data", StorePath(url))
    stored, local = (summarize(look(path)) for path in (url, str(tmp_path / "data")))
    assert stored["pairs"] == PAIRS
    differ = {key for key in local if local[key] != stored[key]}
    assert differ == {"data"}
    configs = []
    for path in (url, str(tmp_path / "data")):
        list(write_config("petseg", path, tmp_path / "mine.yaml", None, force=True))
        configs.append(load_settings(tmp_path / "mine.yaml").data)
    assert configs[0].path == url
    examples = [read(tmp_path / str(index), data).examples for index, data in enumerate(configs)]
    assert len(examples[0]) == PAIRS
    assert examples[0] == examples[1]


@pytest.fixture(scope="session")
def page(damaged, tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("page") / "page.html"
    found = look(str(damaged))
    write_page(found, summarize(found), file)
    return file


def test_the_page_needs_no_network_and_shows_suspicious_pairs(page):
    text = page.read_text()
    assert "the same photo is there with another mask" in text.lower()
    assert "http://" not in text.replace("http://www.w3.org", "")


@needs_chromium
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_the_page_in_a_browser(page, width, scheme):
    with shown(page.as_uri(), width, scheme) as seen:
        assert (seen.errors, seen.outside, seen.broken_images()) == ([], [], [])
        assert not seen.is_wider_than_the_window()
        assert seen.number("#random article") == 12
        assert seen.number("#suspicious article") >= 3
