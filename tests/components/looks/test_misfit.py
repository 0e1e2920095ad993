"""What `run` says of data that does not fit its config, before TensorFlow is imported."""

import json
from pathlib import Path

import numpy as np
import pytest

from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from pipeline.runners.local.checks import check_data
from tests.components.looks.drawn_layouts import LAYOUTS, draw, flat, save
from tests.conftest import petseg

NAMES = ["ground", "disc", "square"]


def refusal(folder: Path, **settings: object) -> str:
    data = DataSettings.model_validate(
        {"path": str(folder), "classes": NAMES, "eval_percent": 30, **settings}
    )
    with pytest.raises(UserError) as error:
        check_data(data)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("layout", "change"),
    [
        ("coco", 'data.format: "coco"'),
        ("labelme", 'data.format: "labelme"'),
        ("voc", 'VOC2012", data.format: "voc"'),
        ("suffixes", 'data.masks: "masks/{stem}_mask.png"'),
        ("carvana", 'data.photos: "train/*.jpg", data.masks: "train_masks/{stem}_mask.gif"'),
        ("jpeg_masks", 'data.masks: "masks/{stem}.jpg"'),
        ("side_by_side", 'data.masks: "{stem}.png"'),
    ],
)
def test_another_layout_is_named_with_the_settings_that_read_it(tmp_path, layout, change):
    LAYOUTS[layout](tmp_path)
    said = refusal(tmp_path)
    assert change in said
    assert f"init --data {tmp_path} --output" in said


def test_a_folder_without_masks(tmp_path):
    save(tmp_path / "a.jpg", draw(0)[0])
    assert "no layout of photos and masks is recognized" in refusal(tmp_path)


def test_all_unknown_values_are_named_at_once(tmp_path):
    flat(tmp_path)
    for seed in range(10):
        save(tmp_path / f"masks/{seed:03}.png", np.array([0, 7, 255], np.uint8)[draw(seed)[1]])
    said = refusal(tmp_path)
    assert "7 (in 10 masks), 255 (in 10 masks)" in said
    assert "it has 0, 1, 2" in said


def test_a_renamed_class_of_labelme_is_said_before_the_run(tmp_path):
    for seed in range(10):
        save(tmp_path / f"{seed}.jpg", draw(seed)[0])
        shape = {"label": "Auto/PKW", "points": [[10, 10], [30, 30]], "shape_type": "rectangle"}
        content = {"shapes": [shape], "imagePath": "x.jpg", "imageHeight": 60, "imageWidth": 80}
        (tmp_path / f"{seed}.json").write_text(json.dumps(content))
    said = refusal(tmp_path, format="labelme", classes=["background", "car"], eval_percent=30)
    assert "masks have labels that data.classes lacks: Auto/PKW (in 10 masks); it has background, car" in said
    assert "Give each to a class (source)" in said
    check_data(
        DataSettings.model_validate(
            {
                "path": str(tmp_path),
                "format": "labelme",
                "eval_percent": 30,
                "classes": [
                    {"value": 0, "name": "background"},
                    {"value": 1, "name": "car", "source": "Auto/PKW"},
                ],
            }
        )
    )


def test_an_ignored_value_that_hides_a_class(tmp_path):
    LAYOUTS["binary_255"](tmp_path)
    said = refusal(tmp_path, classes={"classes": ["ground", "object"], "ignored_value": 255})
    assert "class object" in said
    assert "source: 255" in said


def test_masks_of_another_size(tmp_path):
    flat(tmp_path)
    for seed in range(20):
        save(tmp_path / f"masks/{seed:03}.png", draw(seed)[1][::2, ::2])
    assert "is 40 x 30 pixels, its photo 80 x 60; data.resize_masks" in refusal(tmp_path)
    check_data(DataSettings(path=str(tmp_path), classes=NAMES, eval_percent=30, resize_masks=True))


def test_a_few_broken_masks_are_left_to_the_run(tmp_path):
    flat(tmp_path)
    (tmp_path / "masks/003.png").write_text("")
    check_data(DataSettings(path=str(tmp_path), classes=NAMES, eval_percent=30, max_bad_fraction=0.1))
    assert "masks/003.png" in refusal(tmp_path)


def test_run_says_it_before_tfx_is_imported(tmp_path):
    LAYOUTS["binary_255"](tmp_path / "data")
    config = tmp_path / "mine.yaml"
    config.write_text("data: {format: folder, classes: [ground, object], eval_percent: 30}\n")
    # A module that cannot be imported: a run that had come so far would fail with its name.
    (tmp_path / "tensorflow.py").write_text("raise ImportError('tensorflow was imported')")
    done = petseg(
        "run",
        "--config",
        config,
        "--data",
        tmp_path / "data",
        "--output",
        tmp_path / "out",
        PYTHONPATH=str(tmp_path),
    )
    assert done.status == 2
    assert done.stderr.startswith("error: data: 20 of 20 masks")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
