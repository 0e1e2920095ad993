"""Pairs that are decoded in batches are those that are decoded one by one, whatever lies beside them."""

import pytest

from components.example_gen import checks
from components.example_gen.checks import check_pair, check_pairs
from components.example_gen.pairs import PairSource
from components.example_gen.pixels.batches import PAIRS
from components.example_gen.sources import File
from tests.components import tiny_pairs
from tests.components.tiny_pairs import pets_data
from tests.exif_files import turned_jpeg


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> list[PairSource]:
    """More than two batches: good pairs, and in the second one damaged, missing, and other files."""
    folder = tmp_path_factory.mktemp("pairs")
    for number in range(2 * PAIRS + 3):
        tiny_pairs.photo(number).save(folder / f"{number}.jpg")
        tiny_pairs.mask().save(folder / f"{number}.png")
    photo, mask = (PAIRS + 1, PAIRS + 2), (PAIRS + 3, PAIRS + 4)
    (folder / f"{photo[0]}.jpg").write_bytes((folder / "0.jpg").read_bytes()[:400])
    (folder / f"{photo[1]}.jpg").unlink()
    (folder / f"{mask[0]}.png").write_bytes((folder / "0.png").read_bytes()[:60])
    (folder / f"{mask[1]}.png").unlink()
    tiny_pairs.photo(5).save(folder / f"{PAIRS + 5}.jpg", "PNG")
    (folder / f"{PAIRS + 6}.jpg").write_bytes(turned_jpeg(tiny_pairs.photo(6), 6))
    return [
        PairSource(str(number), File(str(folder), f"{number}.jpg"), File(str(folder), f"{number}.png"))
        for number in range(2 * PAIRS + 3)
    ]


@pytest.mark.parametrize("pixels", [2**24, 10_000])
def test_batches_change_nothing(sources, monkeypatch, pixels):
    monkeypatch.setattr(checks, "PIXELS", pixels)
    data = pets_data("/")
    expected = [check_pair(source, data) for source in sources]
    assert sum(pair.broken is not None for pair in expected) == 4
    assert list(check_pairs(sources, data)) == expected
