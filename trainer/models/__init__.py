"""The architectures: their registry, and the function that builds every one of them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trainer.lazy_imports import keras

if TYPE_CHECKING:
    from trainer.losses import AuxiliaryLoss
    from trainer.settings import TrainingSettings

REGISTRY = {
    "unet": "trainer.models.unet",
    "fcn32s": "trainer.models.fcn",
    "fcn16s": "trainer.models.fcn",
    "fcn8s": "trainer.models.fcn",
    "segnet": "trainer.models.segnet",
    "fpn": "trainer.models.fpn",
    "deeplabv3plus": "trainer.models.deeplabv3plus",
    "autoencoder": "trainer.models.autoencoder",
    "mask_rcnn": "trainer.models.mask_rcnn.mask_rcnn",
}
"""Name of an architecture to the module whose `ARCHITECTURE` describes it. Only what is built is imported."""


def build_model(
    settings: TrainingSettings, load_encoder_weights: bool = True, compute_dtype: str = "float32"
) -> keras.Model:
    """Builds the network that the settings describe, in plain Keras.

    The same settings always give the same initial weights, which follow from `trainer.seed`. The random state
    of the process stays as it is.

    Args:
        settings: `model` says what is built, `classes` how many classes it tells apart.
        load_encoder_weights: False when the weights of the whole model will be loaded anyway.
        compute_dtype: float32, float16 or bfloat16, what the layers compute in; weights are always float32.

    Returns:
        A model from photos, [n, H, W, 3] RGB, 0 to 255 in float32 or uint8, to `logits`, float32
        [n, H, W, classes]. Its encoder is the layer `encoder`.

    Raises:
        UserError: An encoder layer is not known, or a weights file is missing or does not fit.

    Examples:
        >>> from trainer.settings import TrainingSettings
        >>> classes = [
        ...     {"value": 0, "name": "road", "color": "#808080"},
        ...     {"value": 1, "name": "car", "color": "#ff0000"},
        ... ]
        >>> settings = TrainingSettings(
        ...     classes=classes,
        ...     model={"architecture": "unet", "encoder": "plain", "encoder_width": 8, "image_size": 64},
        ... )
        >>> build_model(settings).output_shape
        (None, 64, 64, 2)
    """
    # Keras draws the seeds of layers and initializers from Python's generator.
    state = random.getstate()
    random.seed(settings.trainer.seed)
    try:
        return assemble_model(settings, load_encoder_weights, compute_dtype)
    finally:
        random.setstate(state)


def assemble_model(
    settings: TrainingSettings, load_encoder_weights: bool = True, compute_dtype: str = "float32"
) -> keras.Model:
    """`build_model` with initial weights that follow from the random state of the process."""
    from trainer.models.architecture import load_architecture
    from trainer.models.encoders.build import build_encoder

    architecture = load_architecture(settings.model.architecture)
    with _dtype_policy("float32" if compute_dtype == "float32" else f"mixed_{compute_dtype}"):
        encoder = build_encoder(
            settings.model,
            load_encoder_weights,
            architecture.taps.get(settings.model.encoder),
            architecture.strides,
        )
        photos = keras.Input((*settings.model.input_size, 3), name="photos", dtype="float32")
        logits = architecture.decode(encoder(photos), len(settings.classes), settings.model)
        model = keras.Model(photos, logits, name=settings.model.architecture)
    if load_encoder_weights and architecture.load_weights:
        architecture.load_weights(model, settings.model)
    return model


def auxiliary_loss(model: keras.Model, settings: TrainingSettings) -> AuxiliaryLoss | None:
    """The loss that a network learns from besides the segmentation loss, or None.

    Raises:
        UserError: if the data set lacks what it learns from.
    """
    from trainer.models.architecture import load_architecture

    make = load_architecture(settings.model.architecture).auxiliary_loss
    return make(model, settings.model, settings.classes) if make else None


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    """Sets the policy of layers made meanwhile: those of keras.applications take none as an argument."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
