"""The class table that is proposed for masks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components.example_gen.looks.classes import ProposedTable, propose_classes
from components.example_gen.looks.dataset import open_pairs
from components.example_gen.looks.recognition.label_maps import LabelMap
from components.example_gen.pairs import PairSource
from components.example_gen.sources import File
from tests.components.looks.drawn_layouts import RGB, draw, save

MASKS = 6


def proposed(
    folder: Path, masks: list[np.ndarray | Image.Image], label_map=None, ending="png"
) -> ProposedTable:
    save(folder / "photo.jpg", draw(0)[0])
    for index, mask in enumerate(masks):
        image = mask if isinstance(mask, Image.Image) else Image.fromarray(mask)
        image.save(folder / f"{index}.{ending}")
    photo = File(str(folder), "photo.jpg")
    sources = [PairSource(str(i), photo, File(str(folder), f"{i}.{ending}")) for i in range(len(masks))]
    return propose_classes(open_pairs(sources), label_map)


def drawn(values: list[int], count: int = MASKS, dtype: type = np.uint8) -> list[np.ndarray]:
    return [np.array(values, dtype)[draw(seed)[1]] for seed in range(count)]


def test_values_are_classes(tmp_path):
    table = proposed(tmp_path, drawn([3, 7, 11]))
    assert table.to_settings() == {
        "classes": [{"value": value, "name": f"class_{value}"} for value in (3, 7, 11)]
    }
    assert sum(entry.share for entry in table.classes) == pytest.approx(1)
    assert [entry.masks for entry in table.classes] == [MASKS] * 3


def test_names_come_from_the_label_map(tmp_path):
    names = {0: "background", 1: "traffic light", 2: "void", 3: "not there"}
    table = proposed(tmp_path, drawn([0, 1, 2]), LabelMap("labels.txt", names, {}))
    assert table.to_settings() == {
        "classes": [{"value": 0, "name": "background"}, {"value": 1, "name": "traffic light"}],
        "ignored_value": 2,
    }
    assert any("not there" in remark for remark in table.remarks)


def test_0_and_255_are_two_classes_and_it_says_so(tmp_path):
    table = proposed(tmp_path, drawn([0, 255, 255]))
    assert table.to_settings() == {
        "classes": [{"value": 0, "name": "class_0"}, {"value": 1, "name": "class_1", "source": 255}]
    }
    assert any("255" in remark for remark in table.remarks)


def test_255_beside_others_is_ignored_and_it_says_so(tmp_path):
    masks = drawn([0, 1, 255])
    table = proposed(tmp_path, masks)
    assert [entry.value for entry in table.classes] == [0, 1]
    assert table.ignored == (255,)
    assert any("255" in remark for remark in table.remarks)


def test_numbers_of_16_bits_are_sources(tmp_path):
    table = proposed(tmp_path, drawn([1000, 2000, 40000], dtype=np.uint16))
    assert [(entry.value, entry.source) for entry in table.classes] == [(0, 1000), (1, 2000), (2, 40000)]


def test_colors_are_sources(tmp_path):
    masks = [RGB[draw(seed)[1]] for seed in range(MASKS)]
    table = proposed(tmp_path, masks, LabelMap("colors.txt", {}, {0x804080: "disc"}))
    assert [(entry.name, entry.source) for entry in table.classes] == [
        ("class_0", "#000000"),
        ("disc", "#804080"),
        ("class_2", "#f423e8"),
    ]


def test_palettes_that_differ_are_read_by_their_colors(tmp_path):
    masks = []
    for seed in range(MASKS):
        order = np.roll(np.arange(3), seed)
        image = Image.fromarray(np.argsort(order).astype(np.uint8)[draw(seed)[1]], "P")
        image.putpalette(RGB[order].tobytes())
        masks.append(image)
    assert [entry.source for entry in proposed(tmp_path, masks).classes] == ["#000000", "#804080", "#f423e8"]


def test_gray_palettes_are_read_by_their_levels(tmp_path):
    masks = []
    for seed in range(MASKS):
        image = Image.fromarray((draw(seed)[1] == 2).astype(np.uint8), "P")
        image.putpalette([0, 0, 0, 2, 2, 2])
        masks.append(image)
    assert [entry.value for entry in proposed(tmp_path, masks).classes] == [0, 2]


def test_jpeg_masks_need_a_threshold(tmp_path):
    table = proposed(tmp_path, drawn([0, 255, 255]), ending="jpg")
    assert table.settings == {"mask_threshold": 128}
    assert [entry.name for entry in table.classes] == ["class_0", "class_1"]


def test_a_value_in_too_few_masks_is_ignored_and_it_says_so(tmp_path):
    masks = drawn([0, 1, 1])
    masks[0][:5, :5] = 9
    table = proposed(tmp_path, masks)
    assert (table.ignored, [entry.value for entry in table.classes]) == ((9,), [0, 1])
    assert any(remark.startswith("9:") for remark in table.remarks)


def test_masks_that_are_no_class_masks_are_a_problem(tmp_path):
    noise = np.random.default_rng(0).integers(0, 60000, (60, 80)).astype(np.uint16)
    assert "different values" in proposed(tmp_path, [noise] * 3).problem
    assert "two classes" in proposed(tmp_path, drawn([4, 4, 4])).problem
    photos = [
        draw(seed)[0] ^ np.random.default_rng(seed).integers(0, 255, (60, 80, 3), np.uint8)
        for seed in range(3)
    ]
    assert "different colors" in proposed(tmp_path, photos).problem


def test_names_with_the_same_key_are_told_apart(tmp_path):
    table = proposed(tmp_path, drawn([0, 1, 2]), LabelMap("x", {0: "a b", 1: "a_b", 2: "A B"}, {}))
    assert [entry.name for entry in table.classes] == ["a b", "a_b 1", "A B 2"]
