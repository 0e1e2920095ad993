"""`init` writes a config that `settings` accepts and with which the reader finds every pair."""

import json
import random
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from components.example_gen.listing import list_pairs
from components.example_gen.report import check_listing
from petseg.class_colors import RESERVED
from petseg.errors import UserError
from pipeline.inspection.init import write_config
from pipeline.runners.local.checks import check_data
from pipeline.settings import PipelineSettings, load_settings
from tests.components.looks.drawn_layouts import LAYOUTS, PAIRS, draw, flat, save
from tests.components.read_examples import read
from tests.conftest import petseg


def written(folder: Path, **options: object) -> tuple[PipelineSettings, str]:
    config = folder / "mine.yaml"
    list(write_config("petseg", str(folder / "data"), config, None, **options))
    return load_settings(config), config.read_text()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_reader_finds_every_pair_with_the_config(layout, tmp_path):
    expected = LAYOUTS[layout](tmp_path / "data")
    settings, text = written(tmp_path)
    assert settings.data.format == expected.format
    assert len(settings.data.classes) == expected.classes
    if expected.names:
        assert settings.data.classes.names[-len(expected.names) :] == expected.names
    listing = list_pairs(settings.data, str(tmp_path / "scratch"))
    assert (len(listing.pairs), listing.broken) == (expected.pairs, ())
    check_listing(listing, settings.data)
    check_data(settings.data)
    if expected.splits:
        found = [pair.split for pair in listing.pairs]
        assert {split: found.count(split) for split in expected.splits} == expected.splits
    assert settings.evaluation.floor == 0
    assert "CHECK" in text


def test_colors_are_apart_from_each_other_and_from_the_reports_red(tmp_path):
    for seed in range(PAIRS):
        values = np.arange(20, dtype=np.uint8)[draw(seed)[1] * 6 + np.arange(80)[None] // 14]
        save(tmp_path / f"data/images/{seed}.jpg", draw(seed)[0])
        save(tmp_path / f"data/masks/{seed}.png", values)
    settings, _ = written(tmp_path)
    reserved = [tuple(bytes.fromhex(color[1:])) for color in RESERVED]
    colors = [*settings.data.classes.colors, *reserved]
    assert len(colors) >= 15
    for index, one in enumerate(colors):
        for other in colors[index + 1 :]:
            assert np.linalg.norm(np.subtract(one, other)) > 40


def test_names_of_any_text_are_written_as_yaml(tmp_path):
    flat(tmp_path / "data")
    names = ["no", 'a "b": {c}, #d', "Straße ❄"]
    (tmp_path / "data/label_names.json").write_text(json.dumps(names))
    settings, _ = written(tmp_path)
    assert settings.data.classes.names == tuple(names)


def test_a_thin_class_makes_the_input_larger_and_the_reason_is_there(tmp_path):
    for seed in range(PAIRS):
        clouds = np.random.default_rng(seed).integers(0, 255, (300, 400, 3), np.uint8)
        mask = np.zeros((300, 400), np.uint8)
        mask[50:200, 20:200] = 1
        mask[random.Random(seed).randrange(220, 290), 5:395] = 2
        save(tmp_path / f"data/images/{seed}.jpg", clouds)
        save(tmp_path / f"data/masks/{seed}.png", mask)
    settings, text = written(tmp_path)
    assert settings.model.image_size == 256
    reason = " ".join(line.strip(" #") for line in text.splitlines() if line.strip().startswith("#"))
    assert "shorter side is 300 pixels" in reason

    for seed in range(PAIRS):
        save(
            tmp_path / f"data/images/{seed}.jpg",
            np.random.default_rng(seed).integers(0, 255, (900, 900, 3), np.uint8),
        )
        mask = np.zeros((900, 900), np.uint8)
        mask[100:500, 100:500] = 1
        mask[random.Random(seed).randrange(600, 890), 5:895] = 2
        save(tmp_path / f"data/masks/{seed}.png", mask)
    settings, text = written(tmp_path, force=True)
    # No whole photo can show a class of one pixel.
    assert (settings.transform.fit, settings.transform.scale) == ("tile", 1)
    reason = " ".join(line.strip(" #") for line in text.partition("transform:")[2].splitlines())
    assert "class_2 is about 1 pixels wide and the photos 900" in reason


def save_strips(folder, width, size=(1400, 900)):
    """Photos with a strip of a width across them."""
    for seed in range(PAIRS):
        mask = np.zeros(size[::-1], np.uint8)
        top = random.Random(seed).randrange(100, 700)
        mask[top : top + width] = 1
        save(folder / f"images/{seed}.jpg", np.repeat(mask[..., None] * 100, 3, axis=-1))
        save(folder / f"masks/{seed}.png", mask)


@pytest.mark.parametrize(("width", "expected"), [(3, ("tile", 1)), (60, ("stretch", 1))])
def test_large_photos_are_cut_into_windows_where_a_class_is_thin(tmp_path, width, expected):
    save_strips(tmp_path / "data", width)
    settings, _ = written(tmp_path)
    assert (settings.transform.fit, settings.transform.scale) == expected


def test_thin_structures_in_very_large_photos_are_scaled_down(tmp_path):
    save_strips(tmp_path / "data", 9, size=(6000, 900))
    settings, _ = written(tmp_path)
    assert (settings.transform.fit, settings.transform.scale) == ("tile", 0.5)
    assert settings.model.image_size == 256


def test_wide_and_high_photos_are_padded(tmp_path):
    for seed in range(PAIRS):
        size = (120, 300) if seed % 2 else (300, 120)
        mask = np.zeros(size, np.uint8)
        mask[20:80, 20:80] = 1
        save(tmp_path / f"data/images/{seed}.jpg", np.repeat(mask[..., None] * 100, 3, axis=-1))
        save(tmp_path / f"data/masks/{seed}.png", mask)
    settings, text = written(tmp_path)
    assert settings.transform.fit == "pad"
    assert settings.model.image_size == 128
    assert "0.4 to 2.5 times their height" in text


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((160, 280), (128, 224)),
        ((280, 160), (224, 128)),
        ((150, 900), (128, 256)),
        ((240, 160), (192, 128)),
        ((160, 213), 128),
    ],
)
def test_the_input_has_the_aspect_of_wide_photos(tmp_path, size, expected):
    for seed in range(PAIRS):
        mask = np.zeros(size, np.uint8)
        mask[20:80, 20 : 80 + seed] = 1
        save(tmp_path / f"data/images/{seed}.jpg", np.repeat(mask[..., None] * 100, 3, axis=-1))
        save(tmp_path / f"data/masks/{seed}.png", mask)
    settings, text = written(tmp_path)
    assert settings.transform.fit == "stretch"
    assert settings.model.image_size == expected
    reason = f"width is {size[1] / size[0]:.2g} times their height"
    assert (reason in " ".join(text.replace("#", "").split())) == isinstance(expected, tuple)


def test_broken_masks_are_named_and_allowed(tmp_path):
    flat(tmp_path / "data")
    for seed in (3, 4, 5):
        (tmp_path / f"data/masks/{seed:03}.png").write_text("no image")
    settings, text = written(tmp_path)
    assert all(f"masks/{seed:03}.png" in text for seed in (3, 4, 5))
    assert settings.data.max_bad_fraction >= 0.15
    check_data(settings.data)


def test_masks_of_another_size_are_resized(tmp_path):
    flat(tmp_path / "data")
    for seed in range(PAIRS):
        save(tmp_path / f"data/masks/{seed:03}.png", draw(seed)[1][::2, ::2])
    settings, text = written(tmp_path)
    assert settings.data.resize_masks
    assert "20 masks have another size" in text
    check_data(settings.data)


@pytest.mark.parametrize(
    ("scale", "dtype", "expected"),
    [(16, np.uint16, (0, 4095)), (256, np.uint16, None), (1 / 255, np.float32, (0, 1))],
)
def test_photos_of_12_and_16_bits_and_floats(tmp_path, scale, dtype, expected):
    flat(tmp_path / "data")
    for seed in range(PAIRS):
        (tmp_path / f"data/images/{seed:03}.jpg").unlink()
        save(tmp_path / f"data/images/{seed:03}.tif", (draw(seed)[0][..., 0] * float(scale)).astype(dtype))
    settings, text = written(tmp_path)
    assert settings.data.photo_range == expected
    assert ("white" in text) == (expected is not None)


def test_where_most_is_broken_no_config_is_written(tmp_path):
    flat(tmp_path / "data")
    for seed in range(15):
        (tmp_path / f"data/masks/{seed:03}.png").write_text("no image")
    with pytest.raises(UserError, match=r"75% of the pairs cannot be used, such as masks/000.png"):
        written(tmp_path)


def test_exif_that_nothing_tells_is_asked_for(tmp_path):
    from PIL import Image

    flat(tmp_path / "data")
    exif = Image.Exif()
    exif[274] = 3
    for seed in range(PAIRS):
        save(tmp_path / f"data/images/{seed:03}.jpg", draw(seed)[0], exif=exif)
    settings, text = written(tmp_path)
    assert settings.data.masks_follow_exif is False
    assert "CHECK: EXIF turns 20 photos" in text


def test_write_splits_writes_balanced_lists_once_which_rule(tmp_path):
    flat(tmp_path / "data")
    settings, _ = written(tmp_path, write_splits=True)
    lists = {file.stem: file.read_text().split() for file in (tmp_path / "data/splits").iterdir()}
    assert {split: len(names) for split, names in lists.items()} == {"train": 14, "eval": 3, "test": 3}
    listing = list_pairs(settings.data, "")
    assert {pair.name: pair.split for pair in listing.pairs} == {
        name: split for split, names in lists.items() for name in names
    }
    with pytest.raises(UserError, match="its lists rule"):
        written(tmp_path, write_splits=True, force=True)


def test_a_config_that_exists_is_kept(tmp_path):
    flat(tmp_path / "data")
    (tmp_path / "mine.yaml").write_text("precious")
    with pytest.raises(UserError, match="--force"):
        written(tmp_path)
    assert (tmp_path / "mine.yaml").read_text() == "precious"


def test_without_data_it_says_what_is_there(tmp_path):
    save(tmp_path / "data/a.jpg", draw(0)[0])
    with pytest.raises(UserError, match="1 files, 1 of them images"):
        written(tmp_path)
    assert not (tmp_path / "mine.yaml").exists()


def prepare_tfds(folder: Path, masks: Any) -> None:
    """Prepares drawn pairs as a builder of TensorFlow Datasets; `masks` is the feature of the masks."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    image = tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg")
    features = tfds.features.FeaturesDict({"photo": image, "segmentation": masks})

    def examples(numbers: range) -> tf.data.Dataset:
        drawn = [draw(number) for number in numbers]
        return tf.data.Dataset.from_tensor_slices(
            {
                "photo": np.stack([photo for photo, _ in drawn]),
                "segmentation": np.stack([mask[..., None] for _, mask in drawn]),
            }
        )

    tfds.dataset_builders.store_as_tfds_dataset(
        name="shapes",
        version="1.0.0",
        data_dir=str(folder),
        split_datasets={"train": examples(range(16)), "validation": examples(range(16, 20))},
        features=features,
    )


def test_a_data_set_of_tfds_gets_a_config_that_reads_it(tmp_path):
    import tensorflow_datasets as tfds

    names = ["ground", "disc", "square box", "unused"]
    prepare_tfds(tmp_path / "data", tfds.features.LabeledImage(labels=names, encoding_format="png"))
    settings, text = written(tmp_path)
    assert settings.data.format == "tfds"
    assert settings.data.tfds_builder == "shapes:1.0.0"
    assert settings.data.classes.names == tuple(names[:3])
    result = read(tmp_path, settings.data)
    assert len(result.examples) == PAIRS
    assert set(result.splits.values()) == {"train", "eval", "test"}
    assert "the features of the data set also has 3 unused" in text


def test_folders_of_splits_rule_for_labelme(tmp_path):
    LAYOUTS["labelme"](tmp_path / "all")
    for file in sorted((tmp_path / "all").iterdir()):
        seed = int(file.stem)
        part = tmp_path / "data" / ("train" if seed < 12 else "val" if seed < 16 else "test")
        part.mkdir(parents=True, exist_ok=True)
        file.rename(part / file.name)
    settings, _ = written(tmp_path)
    found = [pair.split for pair in list_pairs(settings.data, str(tmp_path / "scratch")).pairs]
    assert {split: found.count(split) for split in ("train", "eval", "test")} == {
        "train": 12,
        "eval": 4,
        "test": 4,
    }


def test_a_damaged_data_set_of_tfds_is_said(tmp_path):
    folder = tmp_path / "data/shapes/1.0.0"
    folder.mkdir(parents=True)
    for name in ("dataset_info.json", "features.json"):
        (folder / name).write_text("{}")
    with pytest.raises(UserError, match=r"the prepared shapes:1.0.0 in .* cannot be read: .*; prepare it"):
        written(tmp_path)
    assert petseg("inspect", "--data", tmp_path / "data").status == 0


def test_the_command_prints_the_next_one(tmp_path):
    flat(tmp_path / "data")
    config = tmp_path / "new/mine.yaml"
    done = petseg("init", "--data", tmp_path / "data", "--output", config)
    assert done.status == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"next     python pipeline_runner.py run --config {config}"
    shown = petseg("settings", "--config", config)
    assert shown.status == 0, shown.stderr
    assert yaml.safe_load(config.read_text())["data"]["path"] == str(tmp_path / "data")


def labelme_export(folder: Path) -> None:
    """Photos with labelme's JSON, one without JSON and one whose JSON is cut off."""
    flat(folder)
    (folder / "masks").rename(folder.parent / "no masks")
    content = {"shapes": [], "imagePath": "x.jpg", "imageHeight": 60, "imageWidth": 80}
    shape = {"label": "Auto/PKW", "points": [[10, 10], [30, 30]], "shape_type": "rectangle"}
    for index, photo in enumerate(sorted((folder / "images").iterdir())):
        text = json.dumps(content | {"shapes": [shape]})
        if index:
            photo.with_suffix(".json").write_text(text[: len(text) // 2] if index == 1 else text)


def test_what_an_export_lacks_is_said_in_its_own_words(tmp_path):
    data = tmp_path / "my photos"
    labelme_export(data)
    seen = petseg("inspect", "--data", data)
    said = " ".join(seen.stdout.split())
    assert "1 photo without annotation, left out" in said
    assert "leaves out 1 photo without annotation" in said
    assert "leaves out 1 pair with a broken file" in said
    assert "001.json is not valid JSON: " in said
    assert "list names" not in said
    config = tmp_path / "my configs/mine.yaml"
    (line,) = (line for line in seen.stdout.splitlines() if line.startswith("next"))
    assert shlex.split(line)[4:6] == ["--data", str(data)]
    done = petseg("init", "--data", data, "--output", config)
    assert done.status == 0, done.stderr
    assert "; 1 broken file\n" in done.stdout
    assert shlex.split(done.stdout.splitlines()[-1])[4:] == ["--config", str(config)]
    assert f"run --config '{config}'" in config.read_text()
    assert "would stop the run: 1 file is broken;" in config.read_text()
    refused = petseg("init", "--data", data, "--output", tmp_path / "new.yaml", "--write-splits")
    assert refused.status == 2
    assert (
        "only data.format folder reads such lists; call init without it: data.format labelme is"
        in refused.stderr
    )
