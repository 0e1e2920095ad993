"""Every kind of broken pair is quarantined with file and reason, and too many of them stop the run."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from petseg.errors import UserError
from tests.components import tiny_pairs
from tests.components.tiny_pairs import (
    TEST,
    TRAINVAL,
    Written,
    pets_data,
    png_of_stated_size,
    run_example_gen,
)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lead_out(path: Path) -> None:
    outside = path.parents[2] / "outside.jpg"
    path.rename(outside)
    path.symlink_to(outside)


def lead_out_mask(path: Path) -> None:
    outside = path.parents[3] / "outside.png"
    path.rename(outside)
    path.symlink_to(outside)


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def colored(path: Path) -> None:
    red = Image.open(path)
    Image.merge("RGB", [red, *[Image.new("L", red.size)] * 2]).save(path)


def translucent(path: Path) -> None:
    gray = Image.open(path)
    Image.merge("LA", [gray, Image.linear_gradient("L").resize(gray.size)]).save(path)


def sixteen_bit(path: Path) -> None:
    Image.fromarray(np.full((48, 64), 700, np.uint16)).save(path)


BROKEN: dict[str, tuple[str, str, Callable[[Path], object], str]] = {
    "photo missing": ("Bengal_0", "photo", Path.unlink, "is missing"),
    "photo truncated": ("Bengal_1", "photo", cut, "cannot be decoded"),
    "photo is text": ("Bengal_2", "photo", lambda path: path.write_text("hello"), "is not an image"),
    "photo empty": ("Bengal_3", "photo", lambda path: path.write_bytes(b""), "is not an image"),
    "photo too large": (
        "Bengal_4",
        "photo",
        lambda path: path.write_bytes(png_of_stated_size(60_000, 60_000)),
        "60000 x 60000 pixels are more than the",
    ),
    "photo a link out": ("Bengal_5", "photo", lead_out, "leads out of"),
    "photo a folder": ("Bengal_6", "photo", become_folder, "is not a file"),
    "photo a pipe": ("Bengal_7", "photo", become_pipe, "is not a file"),
    "photo an svg": (
        "Bengal_100",
        "photo",
        lambda path: path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>"),
        "is not an image",
    ),
    "mask missing": ("pug_0", "mask", Path.unlink, "is missing"),
    "mask truncated": ("pug_1", "mask", cut, "cannot be decoded"),
    "mask of another size": (
        "pug_2",
        "mask",
        lambda path: tiny_pairs.mask(20, 30).save(path),
        "is 30 x 20 pixels, its photo",
    ),
    "mask on its side": (
        "pug_3",
        "mask",
        lambda path: Image.open(path).transpose(Image.Transpose.ROTATE_90).save(path),
        "its photo",
    ),
    "mask with colors": (
        "pug_4",
        "mask",
        colored,
        r"has 3 channels \(RGB\)",
    ),
    "mask with alpha": (
        "pug_5",
        "mask",
        translucent,
        r"has 2 channels \(LA\)",
    ),
    "value outside the table": (
        "pug_6",
        "mask",
        lambda path: Image.open(path).point(lambda value: 4 if value == 3 else value).save(path),
        r"has the value 4 in \d+ pixels; the class table has 1, 2, 3",
    ),
    "16-bit value outside the table": ("pug_7", "mask", sixteen_bit, "has the value 700 in|its photo"),
    "mask is a JPEG": (
        "pug_100",
        "mask",
        lambda path: Image.open(path).save(path, "JPEG"),
        "is a JPEG, which blurs values; set data.mask_threshold",
    ),
    "mask a link out": ("pug_101", "mask", lead_out_mask, "leads out of"),
}


def file_of(name: str, part: str) -> str:
    return f"images/{name}.jpg" if part == "photo" else f"annotations/trimaps/{name}.png"


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Written:
    """All kinds at once, among valid pairs."""
    folder = tiny_pairs.write_pets(tmp_path_factory.mktemp("broken") / "pets")
    for name, part, spoil, _ in BROKEN.values():
        spoil(folder / file_of(name, part))
    valid = [f"beagle_{number}" for number in range(20)]
    for seed, name in enumerate(valid, start=500):
        tiny_pairs.photo(seed).save(folder / f"images/{name}.jpg")
        tiny_pairs.mask().save(folder / f"annotations/trimaps/{name}.png")
    with (folder / "annotations/trainval.txt").open("a") as lines:
        lines.writelines(f"{name} 1 2 1\n" for name in [*valid, "pug_102", "../../outside", "a/b", ".."])
    return run_example_gen(tmp_path_factory.mktemp("out"), pets_data(folder, max_bad_fraction=0.9))


@pytest.mark.parametrize("kind", BROKEN)
def test_is_quarantined_with_its_reason(written, kind):
    name, part, _, reason = BROKEN[kind]
    found = written.reason("quarantined", file_of(name, part))
    assert re.search(reason, found), found
    assert all(name not in written.names(split) for split in written.records)


def test_valid_pairs_among_them_are_written(written):
    assert len(written.names("train")) + len(written.names("eval")) == 20
    assert written.names("test") == ["Bengal_101", "Bengal_102"]


@pytest.mark.parametrize("name", ["../../outside", ".."])
def test_a_name_that_leads_out_is_quarantined(written, name):
    reasons = [note["reason"] for note in written.report["quarantined"]]
    assert f"{name!r} is not a plain file name" in reasons


def test_a_name_below_the_folder_is_a_path(written):
    assert written.reason("quarantined", "images/a/b.jpg") == "is missing"


def test_a_name_in_both_lists_is_quarantined(written):
    reasons = [note["reason"] for note in written.report["quarantined"]]
    assert "pug_102 is duplicated: annotations/trainval.txt has it too" in reasons
    assert all("pug_102" not in written.names(split) for split in written.records)


@pytest.fixture
def pets(tmp_path) -> Path:
    return tiny_pairs.write_pets(tmp_path / "pets")


def test_the_same_photo_in_two_splits_stays_in_test_only(pets, tmp_path):
    (pets / "images/Bengal_1.jpg").write_bytes((pets / "images/Bengal_101.jpg").read_bytes())
    Image.open(pets / "annotations/trimaps/Bengal_101.png").save(pets / "annotations/trimaps/Bengal_1.png")
    written = run_example_gen(tmp_path / "out", pets_data(pets, max_bad_fraction=0.1))
    reason = written.reason("quarantined", "images/Bengal_1.jpg")
    assert "the same photo as images/Bengal_101.jpg, which is in test" in reason
    assert "Bengal_101" in written.names("test")
    assert "Bengal_1" not in written.names("train") + written.names("eval")


def test_max_pixels_is_checked_in_the_header(pets, tmp_path):
    data = pets_data(pets, max_pixels=60 * 40, max_bad_fraction=1)
    written = run_example_gen(tmp_path / "out", data)
    assert "64 x 48 pixels" in written.reason("quarantined", "images/Bengal_1.jpg")
    assert "Bengal_0" in written.names("train") + written.names("eval")


def test_a_link_inside_the_folder_is_read(pets, tmp_path):
    (pets / "images/Bengal_1.jpg").rename(pets / "images/kept.jpg")
    (pets / "images/Bengal_1.jpg").symlink_to("kept.jpg")
    written = run_example_gen(tmp_path / "out", pets_data(pets))
    assert written.report["quarantined"] == []


def test_a_linked_folder_of_photos_is_read(pets, tmp_path):
    (pets / "images").rename(tmp_path / "elsewhere")
    (pets / "images").symlink_to(tmp_path / "elsewhere")
    written = run_example_gen(tmp_path / "out", pets_data(pets))
    assert written.report["quarantined"] == []


def test_too_many_broken_pairs_stop_the_run_and_are_in_the_log(pets, tmp_path, caplog):
    broken = (TRAINVAL + TEST)[:12]
    for name in broken:
        (pets / f"images/{name}.jpg").write_text("no photo")
    with pytest.raises(UserError) as error:
        run_example_gen(tmp_path / "out", pets_data(pets))
    first, *others = str(error.value).splitlines()
    assert "12 of 22 pairs are broken" in first
    assert "data.max_bad_fraction allows 1.0%" in first
    assert len(others) == 11
    assert "images/Bengal_0.jpg: is not an image" in others[0]
    assert "2 more" in others[-1]
    assert all(f"images/{name}.jpg" in caplog.text for name in broken)


def test_as_many_broken_pairs_as_allowed_do_not_stop_the_run(pets, tmp_path):
    (pets / "images/Bengal_1.jpg").write_text("no photo")
    data = pets_data(pets, max_bad_fraction=1 / 22)
    assert len(run_example_gen(tmp_path / "out", data).report["quarantined"]) == 1
    with pytest.raises(UserError, match="1 of 22"):
        run_example_gen(tmp_path / "again", data.model_copy(update={"max_bad_fraction": 0.99 / 22}))
