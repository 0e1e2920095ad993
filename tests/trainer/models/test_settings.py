import json
import pickle
import subprocess
import sys

import pytest

from tests.conftest import PROJECT
from tests.trainer.pictures import THREE_CLASSES
from trainer.models import REGISTRY
from trainer.models.settings import ModelSettings, own_fields
from trainer.settings import TrainerSettings, TrainingSettings


def training(**model) -> TrainingSettings:
    return TrainingSettings(classes=THREE_CLASSES, model=model)


@pytest.mark.parametrize("architecture", REGISTRY)
def test_an_architecture_has_its_own_settings(architecture):
    settings = ModelSettings(architecture=architecture, encoder="vgg19")
    assert settings.architecture == architecture
    assert set(settings.model_dump()) == {*ModelSettings.model_fields, *own_fields()[architecture]}
    assert training(architecture=architecture, encoder="vgg19").model == settings


def test_an_encoder_has_its_own_settings():
    settings = ModelSettings(architecture="fpn", encoder="plain", encoder_width=8, pyramid_filters=16)
    assert (settings.encoder_width, settings.pyramid_filters) == (8, 16)
    assert "encoder_width" not in ModelSettings(architecture="fpn").model_dump()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"architecture": "fcn8s", "dropout": 0.5}, r"dropout\n.*fcn8s .* does not use it; .*fc_width"),
        ({"fc_width": 64}, r"fc_width\n.*unet .* does not use it; .*decoder_filters"),
        ({"encoder_width": 8}, r"encoder_width\n.*encoder mobilenet_v2 does not use it"),
        ({"architecture": "fpn", "decoder_filters": [1, 2]}, r"decoder_filters\n.*fpn .* does not use it"),
    ],
)
def test_a_setting_that_is_not_used_is_refused(model, message):
    with pytest.raises(ValueError, match=message):
        training(**model)


def test_a_setting_that_is_not_used_may_have_its_default():
    unused = {
        "dropout": 0.0,
        "decoder_filters": [512, 256, 128, 64],
        "encoder_width": 64,
        "atrous_rates": None,
    }
    settings = training(architecture="fcn8s", encoder_weights=None, **unused)
    assert settings == training(architecture="fcn8s")


def test_settings_of_an_exported_model_lose_what_is_not_used():
    stored = json.loads(training(architecture="fcn8s").model_dump_json())
    stored["model"] |= {"dropout": 0.5, "encoder_width": 8, "background": "sky"}
    with pytest.raises(ValueError, match="does not use it"):
        TrainingSettings.model_validate(stored)
    assert TrainingSettings.from_stored(json.dumps(stored)) == training(architecture="fcn8s")
    stored["model"]["no_such_setting"] = 1
    with pytest.raises(ValueError, match="no_such_setting"):
        TrainingSettings.from_stored(json.dumps(stored))


def test_settings_survive_json_pickle_and_copies():
    settings = training(architecture="segnet", encoder="plain", encoder_width=8, decoder_width=0.5)
    assert TrainingSettings.model_validate_json(settings.model_dump_json()) == settings
    assert pickle.loads(pickle.dumps(settings)) == settings
    copied = settings.model.model_copy(update={"image_size": 64})
    assert (copied.decoder_width, copied.image_size) == (0.5, 64)


def test_a_search_may_change_the_architecture():
    settings = training().with_values({"model.architecture": "fpn", "model.pyramid_filters": 64})
    assert settings == training(architecture="fpn", pyramid_filters=64)
    with pytest.raises(ValueError, match="does not use it"):
        training(dropout=0.2).with_values({"model.architecture": "fcn8s"})


def test_a_frozen_encoder_needs_weights():
    def check(trainer, **model):
        settings = training(freeze_encoder=True, **model)
        trainer.check_against(settings.transform, settings.model, settings.classes)

    with pytest.raises(ValueError, match=r"freeze_encoder must be false where .* weights are random"):
        check(TrainerSettings())
    check(TrainerSettings(), encoder_weights="imagenet")
    check(TrainerSettings(warm_start=True))


def test_no_settings_import_tensorflow():
    program = (
        "import sys; from trainer.models.settings import own_fields; from trainer.settings import *; "
        "own_fields(); print({'tensorflow', 'keras', 'h5py'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
