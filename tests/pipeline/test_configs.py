from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from pipeline.settings import load_settings
from tests.trainer.shapes import shape_pairs
from trainer.models import build_model
from trainer.training.fit import fit


@pytest.fixture(params=sorted(Path("configs").glob("*.yaml")), ids=lambda path: path.stem)
def settings(request, config_variables):
    return load_settings(request.param).training


@pytest.mark.slow
def test_every_config_builds_its_network(settings):
    size, classes = settings.model.image_size, len(settings.classes)
    model = build_model(settings, load_encoder_weights=False)
    assert model.output.shape == (None, size, size, classes)
    frozen = [layer for layer in model.get_layer("encoder").layers if not layer.trainable]
    assert bool(frozen) is bool(settings.model.freeze_encoder)


@pytest.mark.slow
def test_every_config_trains(settings, tmp_path):
    without_files = settings.model.model_copy(update={"encoder_weights": None})
    short = settings.trainer.model_copy(update={"epochs": 1, "batch_size": 2, "warm_start": False})
    pairs = shape_pairs(4, settings.model.image_size)
    _, history = fit(
        settings.model_copy(update={"model": without_files, "trainer": short}),
        pairs,
        pairs,
        transform_output="",
        checkpoints=str(tmp_path),
        strategy=tf.distribute.get_strategy(),
    )
    assert np.isfinite(history[0]["loss"])
