"""HEIF photos, as phones take them, where pillow-heif is installed."""

import numpy as np
import pytest
from PIL import Image

from pipeline.inspection.init import write_config
from pipeline.inspection.look import look
from pipeline.inspection.summary import summarize
from pipeline.settings import load_settings
from tests.components import tiny_pairs
from tests.components.looks.drawn_layouts import PAIRS, draw, save
from tests.components.read_examples import read

pytest.importorskip("pillow_heif", reason="pip install '.[heif]'")


def test_heif_photos_are_inspected_and_become_pngs_without_loss(tmp_path):
    for seed in range(PAIRS):
        photo, mask = draw(seed)
        save(tmp_path / f"data/images/IMG_{seed:04}.HEIC", photo, format="HEIF", quality=90)
        save(tmp_path / f"data/masks/IMG_{seed:04}.png", mask)
    summary = summarize(look(str(tmp_path / "data")))
    assert summary["photos"]["formats"] == {"HEIF": PAIRS}
    assert summary["broken"] == []
    assert f"stores all {PAIRS} photos as PNG, without loss" in summary["run"]["does"]
    list(write_config("petseg", str(tmp_path / "data"), tmp_path / "mine.yaml", None))
    result = read(tmp_path, load_settings(tmp_path / "mine.yaml").data)
    assert len(result.examples) == PAIRS
    for name, example in result.examples.items():
        decoded = np.asarray(Image.open(tmp_path / f"data/images/{name}.HEIC").convert("RGB"))
        np.testing.assert_array_equal(tiny_pairs.decoded_photo(example), decoded)
        seed = int(name.removeprefix("IMG_"))
        np.testing.assert_array_equal(tiny_pairs.decoded_mask(example), draw(seed)[1])
