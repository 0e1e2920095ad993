import pytest

from tests.trainer.pictures import THREE_CLASSES
from trainer.models.settings import ModelSettings, own_fields
from trainer.settings import TrainingSettings


@pytest.fixture(scope="session")
def tiny_settings():
    """Makes the settings of a network that builds and runs in a second; keywords change its `model` part."""

    def make(classes=THREE_CLASSES, seed=1, **model) -> TrainingSettings:
        small = {
            "encoder": "plain",
            "encoder_width": 4,
            "image_size": 64,
            "decoder_filters": (16, 16, 8, 8),
            "fc_width": 32,
            "pyramid_filters": 16,
            "background": "third",
        }
        of_some = own_fields()
        used = of_some[model.get("architecture", "unet")] | of_some.get(
            f"encoder {model.get('encoder', 'plain')}", {}
        )
        small = {
            key: value for key, value in small.items() if key in used or key in ModelSettings.model_fields
        }
        return TrainingSettings(classes=classes, model=small | model, trainer={"seed": seed})

    return make
