"""Damaged files: a pair is read or quarantined, and TensorFlow decodes what was read."""

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from components.example_gen.checks import check_pair, make_example
from components.example_gen.pairs import PairSource
from components.example_gen.sources import File
from tests.components import tiny_pairs
from tests.components.tiny_pairs import pets_data

PHOTO = tiny_pairs.photo(seed=1)
EXIF = Image.Exif()
EXIF[ExifTags.Base.Orientation] = 3
SOURCES = {
    "jpeg": (PHOTO, {"format": "JPEG"}),
    "turned": (PHOTO, {"format": "JPEG", "exif": EXIF}),
    "progressive": (PHOTO, {"format": "JPEG", "progressive": True}),
    "cmyk": (PHOTO.convert("CMYK"), {"format": "JPEG"}),
    "png": (PHOTO.convert("RGBA"), {"format": "PNG", "exif": EXIF}),
    "gif": (PHOTO.quantize(), {"format": "GIF"}),
    "webp": (PHOTO, {"format": "WEBP"}),
    "bmp": (PHOTO, {"format": "BMP"}),
}


def damage(content: bytes, chance: random.Random) -> bytes:
    """Changes some bytes, most of them near the head, and sometimes cuts the end off."""
    damaged = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        reach = min(len(damaged), chance.choice([60, 300, len(damaged)]))
        damaged[chance.randrange(reach)] = chance.randrange(256)
    if chance.random() < 0.2:
        del damaged[chance.randrange(1, len(damaged)) :]
    return bytes(damaged)


def pair_in(folder: Path) -> PairSource:
    photo, mask = (File(str(folder), name) for name in ("photo.jpg", "mask.png"))
    return PairSource("photo", photo, mask, split="train")


def assert_read_or_quarantined(folder: Path, source: PairSource) -> bool:
    data = pets_data(folder)
    pair = check_pair(source, data)
    if pair.broken:
        assert pair.broken.reason
        return False
    example = make_example(pair, data)
    photo = tiny_pairs.decoded_photo(example)
    mask = tiny_pairs.decoded_mask(example)
    assert photo.shape == (*mask.shape, 3) == (pair.height, pair.width, 3)
    assert set(np.unique(mask)) <= {1, 2, 3}
    return True


@pytest.mark.parametrize("kind", SOURCES)
def test_damaged_photos(tmp_path, kind):
    chance, (image, options) = random.Random(kind), SOURCES[kind]
    image.save(tmp_path / "photo.jpg", **options)
    tiny_pairs.mask().save(tmp_path / "mask.png")
    sound = (tmp_path / "photo.jpg").read_bytes()
    source = PairSource(
        "photo", File(str(tmp_path), "photo.jpg"), File(str(tmp_path), "mask.png"), split="train"
    )
    assert assert_read_or_quarantined(tmp_path, source)
    read = []
    for _ in range(100):
        (tmp_path / "photo.jpg").write_bytes(damage(sound, chance))
        read.append(assert_read_or_quarantined(tmp_path, source))
    assert not all(read)


def test_damaged_masks(tmp_path):
    chance = random.Random(0)
    PHOTO.save(tmp_path / "photo.jpg")
    tiny_pairs.mask().save(tmp_path / "mask.png")
    sound = (tmp_path / "mask.png").read_bytes()
    source = PairSource(
        "photo", File(str(tmp_path), "photo.jpg"), File(str(tmp_path), "mask.png"), split="train"
    )
    assert assert_read_or_quarantined(tmp_path, source)
    for _ in range(300):
        (tmp_path / "mask.png").write_bytes(damage(sound, chance))
        assert_read_or_quarantined(tmp_path, source)
