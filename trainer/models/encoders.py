"""The encoders: networks whose features at strides 2, 4, 8, 16 and 32 the architectures decode."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
from keras import layers

from trainer.errors import UserError
from trainer.settings import ModelSettings

log = logging.getLogger("petseg")

IMAGENET_MEAN_BGR = (103.939, 116.779, 123.68)


@dataclass(frozen=True)
class EncoderRecipe:
    """How an encoder is made.

    Attributes:
        scale: from RGB, 0 to 255, to what the weights were trained with.
        build: makes the network: `build(input_tensor=..., weights="imagenet" or None) -> keras.Model`.
        taps: names of the layers with the last features at strides 2, 4, 8, 16 and 32.
    """

    scale: Callable[[keras.KerasTensor], keras.KerasTensor]
    build: Callable[..., keras.Model]
    taps: tuple[str, ...]


def _scale_to_unit_ball(photos: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Rescaling(1 / 127.5, offset=-1.0)(photos)


def _scale_to_centred_bgr(photos: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Rescaling(1.0, offset=[-mean for mean in IMAGENET_MEAN_BGR])(
        keras.ops.flip(photos, axis=-1)
    )


def _as_it_is(photos: keras.KerasTensor) -> keras.KerasTensor:
    return photos


def _mobilenet_v2(input_tensor: keras.KerasTensor, weights: str | None) -> keras.Model:
    return keras.applications.MobileNetV2(input_tensor=input_tensor, include_top=False, weights=weights)


def _vgg19(input_tensor: keras.KerasTensor, weights: str | None) -> keras.Model:
    return keras.applications.VGG19(input_tensor=input_tensor, include_top=False, weights=weights)


def _resnet50(input_tensor: keras.KerasTensor, weights: str | None) -> keras.Model:
    return keras.applications.ResNet50(input_tensor=input_tensor, include_top=False, weights=weights)


def _efficientnet_v2_b0(input_tensor: keras.KerasTensor, weights: str | None) -> keras.Model:
    return keras.applications.EfficientNetV2B0(input_tensor=input_tensor, include_top=False, weights=weights)


ENCODERS: dict[str, EncoderRecipe] = {
    "mobilenet_v2": EncoderRecipe(
        _scale_to_unit_ball,
        _mobilenet_v2,
        (
            "block_1_expand_relu",
            "block_3_expand_relu",
            "block_6_expand_relu",
            "block_13_expand_relu",
            "block_16_project",
        ),
    ),
    "vgg19": EncoderRecipe(
        _scale_to_centred_bgr,
        _vgg19,
        ("block2_conv2", "block3_conv4", "block4_conv4", "block5_conv4", "block5_pool"),
    ),
    "resnet50": EncoderRecipe(
        _scale_to_centred_bgr,
        _resnet50,
        ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"),
    ),
    "efficientnet_v2_b0": EncoderRecipe(
        _as_it_is,  # EfficientNetV2 brings its own Rescaling and Normalization.
        _efficientnet_v2_b0,
        (
            "block1a_project_activation",
            "block2b_expand_activation",
            "block4a_expand_activation",
            "block6a_expand_activation",
            "top_activation",
        ),
    ),
}


@keras.saving.register_keras_serializable("petseg")
class FixedStatisticsEncoder(keras.Model):
    """An encoder whose BatchNorm always uses its stored statistics, in training too.

    `encoder(photos, training=False)` does not do it: a Keras 3 model that contains the encoder passes its own
    `training` on to every layer. Freezing the layers would also freeze their scales and offsets.
    """

    def call(self, inputs, training=None, mask=None):  # noqa: D102
        del training
        return super().call(inputs, training=False, mask=mask)


def build_encoder(settings: ModelSettings, load_weights: bool = True) -> keras.Model:
    """Builds the encoder.

    Where it is given weights its BatchNorm stays in inference mode: statistics of small batches of other
    photos are worse than its own.

    Args:
        settings: encoder, encoder_weights, encoder_taps, freeze_encoder and image_size.
        load_weights: False when the weights of the whole model will be loaded anyway.

    Returns:
        A model named `encoder`, from RGB [n, S, S, 3], 0 to 255, to five features: float [n, S / stride,
        S / stride, channels] at strides 2, 4, 8, 16 and 32.

    Raises:
        UserError: for an unknown encoder or layer, and for a weights file that is missing or does not fit.
    """
    recipe = ENCODERS.get(settings.encoder)
    if recipe is None:
        raise UserError(f"model.encoder: {settings.encoder!r} is not known; known are {', '.join(ENCODERS)}")
    weights = settings.encoder_weights if load_weights else None
    photos = keras.Input((settings.image_size, settings.image_size, 3), name="photos")
    network = recipe.build(
        input_tensor=recipe.scale(photos), weights="imagenet" if weights == "imagenet" else None
    )
    if weights and weights != "imagenet":
        _load_weights_file(network, Path(weights), settings.encoder)
    taps = settings.encoder_taps or recipe.taps
    kind = FixedStatisticsEncoder if settings.encoder_weights else keras.Model
    encoder = kind(photos, [_tapped(network, tap, settings) for tap in taps], name="encoder")
    _check_strides(encoder, taps, settings.image_size)
    _freeze(encoder, settings.freeze_encoder)
    return encoder


def _tapped(network: keras.Model, tap: str, settings: ModelSettings) -> keras.KerasTensor:
    """The output of the layer named `tap`."""
    names = [layer.name for layer in network.layers]
    if tap not in names:
        raise UserError(
            f"model.encoder_taps: {settings.encoder} has no layer {tap!r}; it has {', '.join(names[1:])}"
        )
    return network.get_layer(tap).output


def _check_strides(encoder: keras.Model, taps: tuple[str, ...], image_size: int) -> None:
    strides = [image_size // feature.shape[1] for feature in encoder.outputs]
    if strides != [2, 4, 8, 16, 32]:
        raise UserError(
            f"model.encoder_taps: must be five layers with strides 2, 4, 8, 16 and 32; "
            f"{', '.join(taps)} have {strides}"
        )


def _load_weights_file(network: keras.Model, path: Path, encoder: str) -> None:
    """Loads the layers that the file holds, by name, and says which it does not hold."""
    if not path.is_file():
        raise UserError(f"model.encoder_weights: there is no file {path}; give a file, `imagenet` or null")
    try:
        with h5py.File(path) as file:
            stored = file.get("model_weights", file).attrs["layer_names"]
            given = {name if isinstance(name, str) else name.decode() for name in stored}
        network.load_weights(str(path), by_name=True)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(
            f"model.encoder_weights: {path} does not fit {encoder} of keras.applications without its top: "
            f"{' '.join(str(error).split())}"
        ) from error
    wanted = [layer.name for layer in network.layers if layer.weights]
    missing = [name for name in wanted if name not in given]
    if len(missing) == len(wanted):
        raise UserError(f"model.encoder_weights: {path} holds none of the layers of {encoder}")
    if missing:
        log.info("%s: %s holds %d of %d layers; not %s: these start at random", encoder, path.name,
                 len(wanted) - len(missing), len(wanted), ", ".join(missing))  # fmt: skip


def _freeze(encoder: keras.Model, freeze: bool | str) -> None:
    """Freezes all of the encoder (True) or what leads up to and with a named block."""
    if isinstance(freeze, bool):
        encoder.trainable = not freeze
        return
    names = [layer.name for layer in encoder.layers]
    of_block = [place for place, name in enumerate(names) if name == freeze or name.startswith(f"{freeze}_")]
    if not of_block:
        raise UserError(
            f"model.freeze_encoder: the encoder has no block {freeze!r}; "
            f"its layers are {', '.join(names[1:])}"
        )
    for layer in encoder.layers[: of_block[-1] + 1]:
        layer.trainable = False
