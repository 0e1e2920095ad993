"""ExampleGen on a folder of photos and masks with a class table."""

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.example_gen.pairs import split_of_unlisted
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable, SegmentationClass
from petseg.errors import UserError
from tests.components import tiny_pairs
from tests.components.tiny_pairs import Written, run_example_gen

NAMES = [f"leaf {number}" for number in range(30)]
TABLE = ClassTable(
    classes=(
        SegmentationClass(value=0, name="ground", color="#000000"),
        SegmentationClass(value=200, name="leaf", color="#00ff00"),
    ),
    ignored_value=255,
)


def settings(folder: Path, **others: object) -> DataSettings:
    return DataSettings(path=str(folder), format="folder", classes=TABLE, sized_class="leaf", **others)


@pytest.fixture(scope="session")
def untouched(tmp_path_factory) -> Path:
    """Two classes, and an ignored right third. The folder's name would be a pattern."""
    return tiny_pairs.write_folder(tmp_path_factory.mktemp("own") / "o[w]n{*}?", NAMES, values=(0, 200, 255))


@pytest.fixture
def own(untouched, tmp_path) -> Path:
    return shutil.copytree(untouched, tmp_path / "own")


@pytest.fixture(scope="session")
def written(untouched, tmp_path_factory) -> Written:
    return run_example_gen(tmp_path_factory.mktemp("out"), settings(untouched))


def test_without_lists_names_are_divided_by_hash(written):
    for split in ("train", "eval", "test"):
        expected = sorted(name for name in NAMES if split_of_unlisted(name, 15) == split)
        assert expected, f"the test's names leave {split} empty"
        assert written.names(split) == expected


def test_features_follow_the_table(written):
    example = written.example("leaf 1")
    assert set(example.features.feature) == {
        "image/encoded", "image/name", "image/height", "image/width", "image/sha256", "mask/encoded",
        "mask/share_ground", "mask/share_leaf", "slice/photo_size", "slice/leaf_size",
    }  # fmt: skip


def test_ignored_pixels_do_not_count(written):
    example = written.example("leaf 1")
    shares = [tiny_pairs.number(example, f"mask/share_{name}") for name in TABLE.names]
    assert math.isclose(sum(shares), 1, rel_tol=1e-6)
    assert shares == pytest.approx([22 / 43, 21 / 43])
    assert set(np.unique(tiny_pairs.decoded_mask(example))) == {0, 200, 255}
    assert written.report["class_shares"]["train"] == pytest.approx({"ground": 22 / 43, "leaf": 21 / 43})


def test_png_photos_are_not_repaired(written):
    assert written.report["repaired"] == []
    assert tiny_pairs.raw(written.example("leaf 1"), "image/encoded").startswith(b"\x89PNG")


def write_lists(folder: Path, **lists: list[str]) -> None:
    (folder / "splits").mkdir()
    for split, names in lists.items():
        (folder / f"splits/{split}.txt").write_text("\n".join(names))


def test_lists_decide_and_other_photos_are_left_out(own, tmp_path):
    write_lists(own, train=NAMES[:10], eval=NAMES[10:13], test=NAMES[13:20])
    written = run_example_gen(tmp_path / "out", settings(own))
    assert written.names("train") == sorted(NAMES[:10])
    assert written.names("eval") == sorted(NAMES[10:13])
    assert written.names("test") == sorted(NAMES[13:20])
    assert written.report["in_no_list"] == sorted(NAMES[20:])


def test_without_an_eval_list_the_train_list_is_divided(own, tmp_path):
    write_lists(own, train=NAMES[:25], test=NAMES[25:])
    written = run_example_gen(tmp_path / "out", settings(own))
    assert written.names("test") == sorted(NAMES[25:])
    assert sorted(written.names("train") + written.names("eval")) == sorted(NAMES[:25])
    assert written.names("eval")


def test_a_missing_test_list_is_named(own, tmp_path):
    write_lists(own, train=NAMES)
    with pytest.raises(UserError, match=r"the list .*splits/test\.txt is missing"):
        run_example_gen(tmp_path / "out", settings(own))


def test_photos_without_mask_and_masks_without_photo_are_quarantined(own, tmp_path):
    tiny_pairs.photo(1000).save(own / "images/lonely photo.jpg")
    tiny_pairs.mask(values=(0, 200)).save(own / "masks/lonely mask.png")
    written = run_example_gen(tmp_path / "out", settings(own, max_bad_fraction=0.1))
    assert written.reason("quarantined", "masks/lonely photo.png") == "is missing"
    assert written.reason("quarantined", "images/lonely mask.jpg") == "is missing"


def test_two_photos_with_one_name_are_quarantined(own, tmp_path):
    tiny_pairs.photo(1001).save(own / "images/leaf 1.bmp")
    written = run_example_gen(tmp_path / "out", settings(own, max_bad_fraction=0.1))
    assert "same name as leaf 1.bmp" in written.reason("quarantined", "images/leaf 1.png")


def test_a_mask_with_only_ignored_pixels_is_quarantined(own, tmp_path):
    Image.new("L", (64, 48), 255).save(own / "masks/leaf 1.png")
    written = run_example_gen(tmp_path / "out", settings(own, max_bad_fraction=0.1))
    assert written.reason("quarantined", "masks/leaf 1.png") == "has only ignored pixels"


def test_a_file_name_that_is_not_text_is_quarantined(own, tmp_path):
    (own / "images/leaf 1.png").rename(own / "images/leaf \udcff.png")
    written = run_example_gen(tmp_path / "out", settings(own, max_bad_fraction=0.1))
    reasons = [note["reason"] for note in written.report["quarantined"]]
    assert any("is not a plain file name" in reason for reason in reasons)


def test_an_empty_eval_split_is_refused(own, tmp_path):
    write_lists(own, train=NAMES[:20], eval=[], test=NAMES[20:])
    with pytest.raises(UserError, match="`eval`"):
        run_example_gen(tmp_path / "out", settings(own))
