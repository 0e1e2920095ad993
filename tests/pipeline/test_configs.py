from pathlib import Path

import pytest

from pipeline.settings import load_settings
from trainer.models import build_model


@pytest.mark.slow
@pytest.mark.parametrize("config", sorted(Path("configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_builds_its_network(config, monkeypatch):
    monkeypatch.setenv("PETSEG_WEIGHTS", "/weights")
    monkeypatch.setenv("PETSEG_DATA", "/data")
    settings = load_settings(config).training
    size, classes = settings.model.image_size, len(settings.classes)
    model = build_model(settings, load_encoder_weights=False)
    assert model.output.shape == (None, size, size, classes)
    frozen = [layer for layer in model.get_layer("encoder").layers if not layer.trainable]
    assert bool(frozen) is bool(settings.model.freeze_encoder)
