"""Each layout that people have is recognized, by names alone."""

import pytest

from components.example_gen.looks.recognition.pattern_settings import pattern_settings
from components.example_gen.looks.recognition.recognize import recognize
from components.example_gen.looks.tree import list_tree
from tests.components.looks.drawn_layouts import LAYOUTS

PATTERNS = {
    "flat": (),
    "suffixes": ("images/*.png", "masks/{stem}_mask.png"),
    "prefixes": ("photos/photo-{id}.jpg", "photos/label-{id}.png"),
    "side_by_side": ("*.jpg", "{stem}.png"),
    "side_by_side_suffixes": ("*.png", "{stem}_seg.png"),
    "folder_each": ("{folder1}/image.png", "{folder1}/mask.png"),
    "masks_inside": ("*.jpg", "masks/{stem}.png"),
    "carvana": ("train/*.jpg", "train_masks/{stem}_mask.gif"),
    "subfolders": (),
    "parts_first": ("{split}/images/*.jpg", "{split}/labels/{stem}.png"),
    "camvid": ("{split}/*.png", "{split}annot/{stem}.png"),
    "ade20k": ("images/{split}/*.jpg", "annotations/{split}/{stem}.png"),
    "cityscapes": (
        "leftImg8bit/{split}/{folder3}/{id}_leftImg8bit.png",
        "gtFine/{split}/{folder3}/{id}_gtFine_labelIds.png",
    ),
    "jpeg_masks": ("images/*.jpg", "masks/{stem}.jpg"),
    "tiff_photos": (),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_recognizes(layout, tmp_path):
    expected = LAYOUTS[layout](tmp_path)
    tree = list_tree(str(tmp_path))
    found = recognize(tree)
    assert found
    assert found.format == expected.format
    assert found.grounds
    if found.pairing:
        assert len(found.pairing.pairs) == expected.pairs
        assert found.pairing.orphans(tree.images) == ([], [])
        patterns = pattern_settings(found.pairing)
        if layout in PATTERNS:
            assert tuple(patterns.values()) == PATTERNS[layout]
    if expected.format in ("coco", "labelme", "yolo"):
        assert found.labels == expected.names


def test_nothing_is_recognized_in_photos_alone(tmp_path):
    LAYOUTS["flat"](tmp_path)
    for mask in (tmp_path / "masks").iterdir():
        mask.unlink()
    assert recognize(list_tree(str(tmp_path))) is None
