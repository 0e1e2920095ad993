"""What is found in the photos and masks of a data set."""

import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from components.example_gen.looks.alignment import edge_contrast
from components.example_gen.looks.dataset import open_pairs
from components.example_gen.looks.duplicates import same_photos, similar_photos
from components.example_gen.looks.images import look_at_mask, look_at_photo
from components.example_gen.looks.tree import list_tree
from components.example_gen.pairs import PairSource
from components.example_gen.sources import File
from tests.components.looks.drawn_layouts import draw, flat, save


def sources(folder, count: int = 20) -> list[PairSource]:
    root = str(folder)
    return [
        PairSource(f"{seed:03}", File(root, f"images/{seed:03}.jpg"), File(root, f"masks/{seed:03}.png"))
        for seed in range(count)
    ]


def test_broken_masks_are_named_with_reasons(tmp_path):
    flat(tmp_path)
    masks = tmp_path / "masks"
    (masks / "003.png").write_bytes((masks / "003.png").read_bytes()[:80])
    (masks / "004.png").write_text("no image")
    (masks / "005.png").unlink()
    (tmp_path / "images/006.jpg").write_bytes(b"")
    opened = open_pairs(sources(tmp_path))
    assert [pair.file for pair in opened.broken] == [
        "masks/003.png", "masks/004.png", "masks/005.png", "images/006.jpg",
    ]  # fmt: skip
    reasons = [pair.problem for pair in opened.broken]
    assert reasons[2] == "is missing"
    assert all(reasons)
    assert len(opened.good) == 16


def test_a_sample_is_the_same_every_time(tmp_path):
    flat(tmp_path)
    done: list[tuple[int, int]] = []
    opened = open_pairs(sources(tmp_path), 5, lambda *progress: done.append(progress))
    assert opened.is_sample
    assert done == [(number, 5) for number in range(1, 6)]
    assert [pair.source.name for pair in opened.pairs] == [
        pair.source.name for pair in open_pairs(sources(tmp_path), 5).pairs
    ]


def test_all_pixels_are_counted(tmp_path):
    flat(tmp_path)
    expected = np.bincount(np.stack([draw(seed)[1] for seed in range(20)]).ravel())
    opened = open_pairs(sources(tmp_path))
    assert dict(opened.value_pixels()) == dict(enumerate(expected))
    assert dict(opened.value_masks()) == {0: 20, 1: 20, 2: 20}


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_bit_depths_of_masks(tmp_path, bits):
    values = draw(1)[1] % (2 if bits == 1 else 3)
    file = tmp_path / "mask.png"
    if bits == 16:
        Image.fromarray(values.astype(np.uint16) * 500).save(file)
    elif bits == 1:
        Image.fromarray(values.astype(bool)).save(file)
    else:
        image = Image.fromarray(values, "P")
        image.putpalette([0, 0, 0, 9, 9, 9, 200, 3, 3])
        image.save(file, bits=bits)
    look, read = look_at_mask(file.read_bytes())
    assert look.bits == bits
    assert sum(look.values.values()) == values.size
    assert np.array_equal(read, values.astype(int) * (500 if bits == 16 else 1))


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_exif_of_photos(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    save(tmp_path / "photo.jpg", draw(0)[0], exif=exif)
    look, upright = look_at_photo((tmp_path / "photo.jpg").read_bytes())
    assert look.orientation == orientation
    assert (look.width, look.height) == ((60, 80) if orientation == 6 else (80, 60)) == upright.size


def test_large_photos_are_shrunk_and_a_cut_one_is_found(tmp_path):
    pixels = np.asarray(Image.fromarray(draw(0)[0]).resize((2400, 1800)))
    save(tmp_path / "photo.jpg", pixels)
    content = (tmp_path / "photo.jpg").read_bytes()
    look, shrunk = look_at_photo(content)
    assert (look.width, look.height) == (2400, 1800)
    assert max(shrunk.size) < 1000
    opened = open_pairs([PairSource("cut", _Bytes(content[: len(content) // 2]), _Bytes(b""))])
    assert "cannot be decoded" in opened.broken[0].problem


class _Bytes:
    path = "photo.jpg"

    def __init__(self, content: bytes):
        self._content = content

    def read(self, max_bytes: int) -> bytes:
        return self._content


def test_duplicates(tmp_path):
    flat(tmp_path)
    shutil.copy(tmp_path / "images/002.jpg", tmp_path / "images/007.jpg")
    clouds = Image.fromarray(np.random.default_rng(4).integers(0, 256, (6, 8, 3), np.uint8))
    pixels = np.asarray(clouds.resize((80, 60), Image.Resampling.BICUBIC))
    save(tmp_path / "images/004.jpg", pixels, quality=90)
    save(tmp_path / "images/009.jpg", pixels, quality=60)
    opened = open_pairs(sources(tmp_path))
    assert [[pair.source.name for pair in group] for group in same_photos(opened.pairs)] == [["002", "007"]]
    assert ("004", "009") in [(a.source.name, b.source.name) for a, b in similar_photos(opened.pairs)]


def test_a_mask_follows_its_own_photo_better_than_another():
    own = [edge_contrast(Image.fromarray(draw(seed)[0]), draw(seed)[1]) for seed in range(10)]
    other = [edge_contrast(Image.fromarray(draw(seed)[0]), draw(seed + 1)[1]) for seed in range(10)]
    assert np.median(own) > 1.5 * np.median(other)
    assert edge_contrast(Image.fromarray(draw(0)[0]), np.zeros((60, 80))) is None


def test_hidden_files_and_links_that_lead_back_are_left_alone(tmp_path):
    flat(tmp_path)
    (tmp_path / "images/.hidden.jpg").write_text("")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX/000.jpg").write_text("")
    (tmp_path / "images/again").symlink_to(tmp_path)
    assert len(list_tree(str(tmp_path)).files) == 40


def test_names_that_are_no_text_are_listed(tmp_path):
    if sys.platform == "linux":
        (tmp_path / "\udcff.jpg").write_text("")
        assert list(list_tree(str(tmp_path)).files) == ["\udcff.jpg"]
