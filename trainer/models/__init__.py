"""The architectures: one vocabulary of settings, one function that builds them all."""

from collections.abc import Callable

import keras

from trainer.errors import UserError
from trainer.models.encoders import build_encoder
from trainer.models.unet import build_unet
from trainer.settings import ModelSettings, TrainingSettings

Decoder = Callable[[list[keras.KerasTensor], int, ModelSettings], keras.KerasTensor]

ARCHITECTURES: dict[str, Decoder] = {
    "unet": build_unet,
}
"""Name to function that makes logits [n, S, S, classes] from the encoder's features at strides 2 to 32."""


def build_model(settings: TrainingSettings, load_encoder_weights: bool = True) -> keras.Model:
    """Builds the network that the settings describe; plain Keras, so it runs on every backend.

    The same settings always give the same initial weights: Keras' random generators are seeded with
    `trainer.seed`.

    Args:
        settings: `model` says what is built, `classes` how many classes it tells apart.
        load_encoder_weights: False when the weights of the whole model will be loaded anyway.

    Returns:
        A model from photos, [n, S, S, 3] RGB, 0 to 255 in float32 or uint8, to `logits`, float32
        [n, S, S, classes]. Its encoder is the layer `encoder`.

    Raises:
        UserError: for an unknown architecture, encoder, layer or weights file.
    """
    decoder = ARCHITECTURES.get(settings.model.architecture)
    if decoder is None:
        raise UserError(
            f"model.architecture: {settings.model.architecture!r} is not known; "
            f"known are {', '.join(ARCHITECTURES)}"
        )
    keras.utils.set_random_seed(settings.trainer.seed)
    encoder = build_encoder(settings.model, load_weights=load_encoder_weights)
    size = settings.model.image_size
    photos = keras.Input((size, size, 3), name="photos")
    logits = decoder(encoder(photos), len(settings.classes), settings.model)
    return keras.Model(photos, logits, name=settings.model.architecture)
