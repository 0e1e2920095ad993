"""ServingCheck on models of each fit, and of many classes, as the trainer exports them."""

import numpy as np
import pytest

from components.serving_check.executor import check_model
from components.serving_check.settings import ServingCheckSettings
from tests.components.report_inputs import TABLE
from trainer.export.export_model import export_model
from trainer.models import build_model
from trainer.settings import TrainingSettings

SIZE = (192, 256)
SETTINGS = ServingCheckSettings(requests=3, max_p99_seconds=20, timeout_seconds=300)


def exported(folder, **transform) -> str:
    settings = TrainingSettings(
        classes=TABLE,
        transform=transform,
        model={
            "encoder": "plain",
            "encoder_width": 4,
            "image_size": SIZE,
            "decoder_filters": (8, 8, 8, 8),
        },
    )
    photos = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), dtype=np.uint8)
    model = build_model(settings)
    export_model(model, settings, str(folder), None, photos, ["a", "b", "c"], "# Card")
    return str(folder)


@pytest.mark.slow
@pytest.mark.parametrize("transform", [{"fit": "pad"}, {"fit": "tile"}, {"fit": "tile", "scale": 0.5}])
def test_blesses_what_the_trainer_exports(tmp_path, transform):
    result = check_model(exported(tmp_path / "model", **transform), SETTINGS)
    assert result["passed"], result["reason"]
    assert "signature serving_default" in {check["name"] for check in result["checks"]}


@pytest.mark.slow
def test_refuses_a_model_of_windows_that_predicts_other_masks(tmp_path):
    directory = exported(tmp_path / "model", fit="tile")
    reference = tmp_path / "model" / "assets.extra" / "reference.npz"
    with np.load(reference) as stored:
        content = dict(stored)
    content["native_mask"] = content["native_mask"][:, ::-1, ::-1] + np.uint8(1)
    np.savez_compressed(reference, **content)
    result = check_model(directory, SETTINGS)
    assert not result["passed"]
    assert "native_mask differ from the trainer's by 1, more than 0.001" in result["reason"]


def test_the_reference_of_many_classes_has_a_sample_of_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr("trainer.export.export_model.REFERENCE_VALUES", 3 * 500 * len(TABLE))
    directory = exported(tmp_path / "model")
    reference = tmp_path / "model" / "assets.extra" / "reference.npz"
    with np.load(reference) as stored:
        content = dict(stored)
    assert content["probabilities"].shape == (3, 500, len(TABLE))
    assert content["mask"].shape == (3, *SIZE)
    of_pixels = content["mask"].reshape(3, -1)[:, content["pixels"]]
    np.testing.assert_array_equal(content["probabilities"].argmax(axis=-1), of_pixels)
    result = check_model(directory, SETTINGS)
    assert result["passed"], result["reason"]
    content["probabilities"][2, 499] = content["probabilities"][2, 499, ::-1]
    np.savez_compressed(reference, **content)
    assert "probabilities differ from the trainer's by" in check_model(directory, SETTINGS)["reason"]
