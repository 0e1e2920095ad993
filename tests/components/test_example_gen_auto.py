"""`data.format: auto` reads what is recognized."""

import pytest

from components.example_gen.fingerprint import fingerprint
from components.example_gen.listing import list_pairs
from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from tests.components.looks.drawn_layouts import LAYOUTS, draw, flat, save


def auto(folder, **settings: object) -> DataSettings:
    return DataSettings.model_validate({"path": str(folder), "format": "auto", **settings})


@pytest.mark.parametrize("layout", ["flat", "cityscapes", "carvana", "coco", "labelme", "voc"])
def test_every_pair_is_read(layout, tmp_path):
    expected = LAYOUTS[layout](tmp_path)
    classes = ["background", *expected.names] if expected.format in ("coco", "labelme") else []
    listing = list_pairs(auto(tmp_path, classes=classes), str(tmp_path / "scratch"))
    assert (len(listing.pairs), listing.broken) == (expected.pairs, ())


def test_given_patterns_rule(tmp_path):
    LAYOUTS["cityscapes"](tmp_path)
    masks = "gtFine/{split}/{folder3}/{id}_gtFine_color.png"
    pairs = list_pairs(auto(tmp_path, masks=masks), "").pairs
    assert {pair.mask.path.rpartition("_")[2] for pair in pairs} == {"color.png"}


def test_spans_are_recognized_each(tmp_path):
    flat(tmp_path / "span-1")
    LAYOUTS["suffixes"](tmp_path / "span-2")
    assert len(list_pairs(auto(tmp_path, spans="all"), "").pairs) == 40


def test_what_is_not_recognized_is_refused(tmp_path):
    save(tmp_path / "a.jpg", draw(0)[0])
    with pytest.raises(UserError, match="auto recognizes no photos and masks"):
        list_pairs(auto(tmp_path), "")


def test_any_file_is_part_of_the_fingerprint(tmp_path):
    flat(tmp_path)
    before = fingerprint(auto(tmp_path))
    (tmp_path / "more").mkdir()
    save(tmp_path / "more/a.jpg", draw(0)[0])
    assert fingerprint(auto(tmp_path)) != before
