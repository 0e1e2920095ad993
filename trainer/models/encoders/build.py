"""Builds encoders: their layers, published or given weights, and what is frozen."""

import logging
from pathlib import Path

import keras
from keras import layers

from petseg.errors import UserError
from petseg.files.links import link_target
from trainer.models.blocks import BATCH_NORM_MOMENTUM, ENCODER_NAME
from trainer.models.encoders import STRIDES
from trainer.models.encoders.encoder import Encoder, load_encoder
from trainer.models.encoders.weights_file import stored_layers, unfit
from trainer.models.settings import ModelSettings

log = logging.getLogger("petseg")


@keras.saving.register_keras_serializable("petseg")
class FixedStatisticsEncoder(keras.Model):
    """An encoder whose BatchNorm always uses its stored statistics, also in training.

    `encoder(photos, training=False)` is not enough: a Keras 3 model that contains the encoder passes its own
    `training` to every layer. Freezing the layers would also freeze their scales and offsets.
    """

    def call(self, inputs, training=None, mask=None):  # noqa: D102
        del training
        return super().call(inputs, training=False, mask=mask)


def build_encoder(
    settings: ModelSettings,
    load_weights: bool = True,
    taps: tuple[str, ...] | None = None,
    strides: tuple[int, ...] = STRIDES,
) -> keras.Model:
    """Builds the encoder.

    With given weights, or if it is frozen, it stays in inference mode: statistics of small batches of other
    photos are worse than those that the weights come with, and a frozen part must output the same in every
    epoch.

    Args:
        settings: the encoder, its own settings, and `image_size`.
        load_weights: False when the weights of the whole model will be loaded anyway.
        taps: The layers that the architecture takes if `encoder_taps` is not set; None: those of the encoder.
        strides: Required strides of the features.

    Returns:
        A model named `encoder`, from RGB [n, H, W, 3], 0 to 255, to one feature per stride: float
        [n, H / stride, W / stride, channels].

    Raises:
        UserError: A layer is not known, or a weights file is missing or does not fit.
    """
    encoder = load_encoder(settings.encoder)
    photos = keras.Input((*settings.input_size, 3), name="photos")
    network = _build_network(encoder.scale(photos), encoder, settings, load_weights)
    taps = settings.encoder_taps or taps or encoder.taps
    kind = FixedStatisticsEncoder if settings.encoder_weights or settings.freeze_encoder else keras.Model
    model = kind(photos, [_tapped(network, tap, settings) for tap in taps], name=ENCODER_NAME)
    _check_strides(model, taps, strides, settings.input_size[0])
    _freeze(model, settings.freeze_encoder)
    return model


def _build_network(
    scaled_photos: keras.KerasTensor, encoder: Encoder, settings: ModelSettings, load_weights: bool
) -> keras.Model:
    """The network without its classifier, with the weights of the settings."""
    weights = settings.encoder_weights
    published = "imagenet" if weights == "imagenet" and load_weights else None
    if encoder.build:
        return encoder.build(scaled_photos, settings)
    application = getattr(keras.applications, str(encoder.application))
    try:
        network = application(input_tensor=scaled_photos, include_top=False, weights=published)
    except Exception as error:  # Keras raises no narrower class when a download fails.
        if not published:
            raise
        raise UserError(
            f"model.encoder_weights: imagenet: Keras could not get the weights of {settings.encoder} "
            f"({' '.join(str(error).split())}); set a file or null"
        ) from error
    if not weights:
        for layer in network.layers:
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = BATCH_NORM_MOMENTUM
    elif load_weights and not published:
        _load_weights_file(network, Path(link_target(weights)), settings.encoder)
    return network


def _tapped(network: keras.Model, tap: str, settings: ModelSettings) -> keras.KerasTensor:
    """The output of the layer named `tap`."""
    names = [layer.name for layer in network.layers]
    if tap not in names:
        raise UserError(
            f"model.encoder_taps: {settings.encoder} has no layer {tap!r}; it has {', '.join(names[1:])}"
        )
    return network.get_layer(tap).output


def _check_strides(encoder: keras.Model, taps: tuple[str, ...], wanted: tuple[int, ...], height: int) -> None:
    strides = tuple(height // feature.shape[1] for feature in encoder.outputs)
    if strides != wanted:
        raise UserError(
            f"model.encoder_taps: must be five layers with strides {', '.join(map(str, wanted))}; "
            f"{', '.join(taps)} have {', '.join(map(str, strides))}"
        )


def _load_weights_file(network: keras.Model, path: Path, encoder: str) -> None:
    """Loads the layers of the file by name, and logs which are missing."""
    given = stored_layers(path, encoder)
    try:
        network.load_weights(str(path), by_name=True)
    except (OSError, KeyError, ValueError) as error:
        raise unfit(path, encoder, error) from error
    wanted = [layer.name for layer in network.layers if layer.weights]
    missing = [name for name in wanted if name not in given]
    if len(missing) == len(wanted):
        raise UserError(f"model.encoder_weights: {path} has none of the layers of {encoder}")
    if missing:
        log.info(
            "%s has %d of the %d layers of %s; these start with random weights: %s",
            path.name,
            len(wanted) - len(missing),
            len(wanted),
            encoder,
            ", ".join(missing),
        )


def _freeze(encoder: keras.Model, freeze: bool | str) -> None:
    """Freezes the encoder (True), or its layers up to and including a named block."""
    if isinstance(freeze, bool):
        encoder.trainable = not freeze
        return
    names = [layer.name for layer in encoder.layers]
    of_block = [index for index, name in enumerate(names) if name == freeze or name.startswith(f"{freeze}_")]
    if not of_block:
        raise UserError(
            f"model.freeze_encoder: the encoder has no block {freeze!r}; "
            f"its layers are {', '.join(names[1:])}"
        )
    for layer in encoder.layers[: of_block[-1] + 1]:
        layer.trainable = False
