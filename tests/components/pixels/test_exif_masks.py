"""Masks of photos that EXIF turns: sizes decide for the data set, else the setting, never a guess."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from tests.components import tiny_pairs
from tests.components.read_examples import Read, read
from tests.exif_files import stored, turned_jpeg

NAMES = [f"p{number:02d}" for number in range(20)]
UPRIGHT = np.asarray(tiny_pairs.mask(values=(0, 1)))


def write(folder: Path, orientations: dict[str, int], turned_masks: set[str]) -> Path:
    """Upright photos but for `orientations`; masks upright but for `turned_masks`, which lie as stored."""
    for number, name in enumerate(NAMES):
        for part in ("images", "masks"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        orientation = orientations.get(name, 1)
        content = turned_jpeg(tiny_pairs.photo(number), orientation)
        (folder / f"images/{name}.jpg").write_bytes(content)
        mask = Image.fromarray(UPRIGHT)
        mask = stored(mask, orientation) if name in turned_masks else mask
        mask.save(folder / f"masks/{name}.png")
    return folder


def examples(tmp_path: Path, **settings: object) -> Read:
    classes = {"path": str(tmp_path / "data"), "classes": ["ground", "disc"]}
    return read(tmp_path, DataSettings.model_validate(classes | settings))


def assert_all_upright(result: Read) -> None:
    assert len(result.examples) == len(NAMES)
    for name, example in result.examples.items():
        np.testing.assert_array_equal(tiny_pairs.decoded_mask(example), UPRIGHT, name)


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_nothing_is_guessed_where_no_size_tells(tmp_path, orientation):
    write(tmp_path / "data", dict.fromkeys(NAMES[:5], orientation), set())
    with pytest.raises(UserError, match=r"5 photos are turned by EXIF.*set data\.masks_follow_exif") as error:
        examples(tmp_path)
    assert "\n" not in str(error.value)
    result = examples(tmp_path, masks_follow_exif=False)
    assert_all_upright(result)
    assert result.report["exif"]["decided_by"] == "data.masks_follow_exif"


@pytest.mark.parametrize("orientation", [2, 3, 4])
def test_the_setting_turns_masks_that_lie_as_stored(tmp_path, orientation):
    write(tmp_path / "data", dict.fromkeys(NAMES[:5], orientation), set(NAMES[:5]))
    result = examples(tmp_path, masks_follow_exif=True)
    assert_all_upright(result)
    assert result.reasons("repaired") == {f"masks/{n}.png": "turned like its photo" for n in NAMES[:5]}


@pytest.mark.parametrize("lie", ["stored", "upright"])
def test_sizes_of_some_pairs_decide_for_the_others(tmp_path, lie, caplog):
    caplog.set_level("INFO", "petseg")
    orientations = {NAMES[0]: 3, NAMES[1]: 3, NAMES[2]: 6}
    write(tmp_path / "data", orientations, set(orientations) if lie == "stored" else set())
    assert_all_upright(examples(tmp_path))
    assert f"1 masks lie as the {lie} photo, 2 whose size does not tell are" in caplog.text


def test_sizes_that_disagree_do_not_decide(tmp_path):
    write(tmp_path / "data", {NAMES[0]: 3, NAMES[1]: 6, NAMES[2]: 8}, {NAMES[1]})
    with pytest.raises(UserError, match="whose sizes tell disagree: 1 stored, 1 upright"):
        examples(tmp_path)
    assert_all_upright(examples(tmp_path, masks_follow_exif=False))


def test_turned_masks_of_another_size_are_turned_and_resized(tmp_path):
    write(tmp_path / "data", {NAMES[0]: 6, NAMES[1]: 3}, {NAMES[0], NAMES[1]})
    for name in NAMES:
        mask = Image.open(tmp_path / f"data/masks/{name}.png")
        mask.resize((mask.width * 2, mask.height * 2), Image.Resampling.NEAREST).save(
            tmp_path / f"data/masks/{name}.png"
        )
    assert_all_upright(examples(tmp_path, resize_masks=True))


def write_plain(folder: Path, values: tuple[int, ...]) -> None:
    tiny_pairs.write_folder(folder, NAMES, values)


def test_an_ignored_value_that_swallows_a_class_is_refused(tmp_path):
    write_plain(tmp_path / "data", (0, 255))
    table = {"classes": ["background", "object"], "ignored_value": 255}
    with pytest.raises(UserError, match=r"no mask has a pixel of class object.*source: 255") as error:
        examples(tmp_path, classes=table)
    assert "\n" not in str(error.value)
    remedy = [{"value": 0, "name": "background"}, {"value": 1, "name": "object", "source": 255}]
    result = examples(tmp_path, classes=remedy)
    np.testing.assert_array_equal(tiny_pairs.decoded_mask(result.examples[NAMES[0]]), UPRIGHT)


def test_masks_of_0_and_255_are_told_what_to_set(tmp_path):
    write_plain(tmp_path / "data", (0, 255))
    with pytest.raises(
        UserError, match=r"values that data\.classes lacks: 255 \(in 20 masks\).*threshold: 128"
    ):
        examples(tmp_path)
    assert len(examples(tmp_path, mask_threshold=128).examples) == 20


def test_all_unknown_values_of_the_data_set_are_named_at_once(tmp_path):
    write_plain(tmp_path / "data", (0, 1))
    for number, name in enumerate(NAMES):
        tiny_pairs.mask(values=(0, 3 + number % 4, 9)).save(tmp_path / f"data/masks/{name}.png")
    with pytest.raises(UserError) as error:
        examples(tmp_path)
    last = str(error.value).splitlines()[-1]
    assert (
        "9 (in 20 masks), 3 (in 5 masks), 4 (in 5 masks), 5 (in 5 masks), 6 (in 5 masks); it has 0, 1" in last
    )


def test_jpeg_masks_report_the_share_in_between(tmp_path, caplog):
    caplog.set_level("INFO", "petseg")
    write_plain(tmp_path / "data", (0, 255))
    for name in NAMES:
        mask = tmp_path / f"data/masks/{name}.png"
        Image.open(mask).save(mask.with_suffix(".jpg"), quality=60)
        mask.unlink()
    with pytest.raises(
        UserError, match=r"masks/p00\.jpg is there: a JPEG is a mask only with data\.mask_thr"
    ):
        examples(tmp_path)
    result = examples(tmp_path, mask_threshold=128)
    assert len(result.examples) == len(NAMES)
    assert 0 <= result.report["between_share"] < 0.3
    assert "data.mask_threshold: " in caplog.text
