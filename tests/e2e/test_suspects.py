"""Masks that were exchanged are found by the model that was trained on them."""

import json
import random

import pytest
from PIL import Image

from pipeline.sample_data import write_sample
from tests.conftest import petseg

PAIRS = 1000
EXCHANGED = PAIRS // 20
"""5 %."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4])
def test_exchanged_masks_are_the_most_suspicious_ones(tmp_path, seed):
    """A real training on the drawn sample; its model is refused, which does not matter here.

    The ranking's temperature was chosen with seed 3; seed 4 had no part in it.
    """
    write_sample(tmp_path / "pets", PAIRS, seed=seed)
    masks = sorted((tmp_path / "pets/annotations/trimaps").glob("*.png"))
    chosen = random.Random(0).sample(masks, EXCHANGED)
    images = {file: Image.open(file).copy() for file in chosen}
    for file, other in zip(chosen, [*chosen[1:], chosen[0]], strict=True):
        images[other].resize(images[file].size, Image.Resampling.NEAREST).save(file)
    output = tmp_path / "out"
    trained = petseg(
        "run",
        "--config",
        "configs/demo.yaml",
        "--data",
        tmp_path / "pets",
        "--output",
        output,
        "--set",
        "trainer.epochs=40",
        "--set",
        "trainer.batch_size=16",
        "--set",
        "evaluation.floor=0.99",
        "--set",
        "serving_check.max_p99_seconds=20",
    )
    assert trained.status == 3, trained.stdout + trained.stderr
    splits = ["--split", "train", "--split", "eval", "--split", "test"]
    done = petseg("suspects", "--output", output, *splits, "--number", EXCHANGED, "--json")
    assert done.status == 0, done.stderr
    found = [example["name"] for example in json.loads(done.stdout)["examples"]]
    assert len(found) == PAIRS
    names = {file.stem for file in chosen}
    assert sum(name in names for name in found[:EXCHANGED]) / EXCHANGED > 0.8
