"""The architectures: one vocabulary of settings, one function that builds them all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import keras

from petseg.errors import UserError
from trainer.losses import AuxiliaryLoss
from trainer.models.autoencoder import build_autoencoder
from trainer.models.deeplabv3plus import build_deeplabv3plus
from trainer.models.encoders import STRIDES, build_encoder
from trainer.models.fcn import VGG19_POOLS, build_fcn8s, build_fcn16s, build_fcn32s, load_classifier
from trainer.models.fpn import build_fpn
from trainer.models.mask_rcnn import build_mask_rcnn, learn_detection
from trainer.models.segnet import STRIDES_BEFORE_POOLING, TAPS, build_segnet
from trainer.models.unet import build_unet
from trainer.settings import ModelSettings, TrainingSettings

Decoder = Callable[[list[keras.KerasTensor], int, ModelSettings], keras.KerasTensor]


@dataclass(frozen=True)
class Architecture:
    """How a network is made from an encoder.

    Attributes:
        decode: makes logits [n, S, S, classes] from the encoder's features.
        taps: for the encoders named here, the layers whose outputs it takes instead of the encoder's own.
        strides: of the features that it takes. Where they are not the usual ones, only encoders in `taps` do.
        load_weights: gives the decoder what the encoder's weights have for it.
        auxiliary_loss: what the network learns beside the classes of the pixels.
    """

    decode: Decoder
    taps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strides: tuple[int, ...] = STRIDES
    load_weights: Callable[[keras.Model, ModelSettings], None] | None = None
    auxiliary_loss: Callable[[keras.Model, TrainingSettings], AuxiliaryLoss] | None = None


_VGG_POOLS = {"vgg19": VGG19_POOLS}

ARCHITECTURES: dict[str, Architecture] = {
    "unet": Architecture(build_unet),
    "fcn32s": Architecture(build_fcn32s, _VGG_POOLS, load_weights=load_classifier),
    "fcn16s": Architecture(build_fcn16s, _VGG_POOLS, load_weights=load_classifier),
    "fcn8s": Architecture(build_fcn8s, _VGG_POOLS, load_weights=load_classifier),
    "segnet": Architecture(build_segnet, TAPS, STRIDES_BEFORE_POOLING),
    "fpn": Architecture(build_fpn),
    "deeplabv3plus": Architecture(build_deeplabv3plus),
    "autoencoder": Architecture(build_autoencoder),
    "mask_rcnn": Architecture(build_mask_rcnn, auxiliary_loss=learn_detection),
}


def build_model(
    settings: TrainingSettings, load_encoder_weights: bool = True, compute_dtype: str = "float32"
) -> keras.Model:
    """Builds the network that the settings describe; plain Keras, so it runs on every backend.

    The same settings always give the same initial weights: Keras' random generators are seeded with
    `trainer.seed`.

    Args:
        settings: `model` says what is built, `classes` how many classes it tells apart.
        load_encoder_weights: False when the weights of the whole model will be loaded anyway.
        compute_dtype: float32, float16 or bfloat16, what the layers compute in; weights are always float32.

    Returns:
        A model from photos, [n, S, S, 3] RGB, 0 to 255 in float32 or uint8, to `logits`, float32
        [n, S, S, classes]. Its encoder is the layer `encoder`.

    Raises:
        UserError: for an unknown architecture, encoder, layer or weights file.
    """
    name, encoder_name = settings.model.architecture, settings.model.encoder
    architecture = ARCHITECTURES.get(name)
    if architecture is None:
        raise UserError(f"model.architecture: {name!r} is not known; known are {', '.join(ARCHITECTURES)}")
    if architecture.strides != STRIDES and encoder_name not in architecture.taps:
        raise UserError(
            f"model.encoder: {name} needs features at strides {', '.join(map(str, architecture.strides))}; "
            f"{' and '.join(architecture.taps)} have them, {encoder_name!r} has not"
        )
    keras.utils.set_random_seed(settings.trainer.seed)
    size = settings.model.image_size
    with _dtype_policy("float32" if compute_dtype == "float32" else f"mixed_{compute_dtype}"):
        encoder = build_encoder(
            settings.model, load_encoder_weights, architecture.taps.get(encoder_name), architecture.strides
        )
        photos = keras.Input((size, size, 3), name="photos", dtype="float32")
        logits = architecture.decode(encoder(photos), len(settings.classes), settings.model)
        model = keras.Model(photos, logits, name=name)
    if load_encoder_weights and architecture.load_weights:
        architecture.load_weights(model, settings.model)
    return model


def auxiliary_loss(model: keras.Model, settings: TrainingSettings) -> AuxiliaryLoss | None:
    """What a network that `build_model` made learns beside the classes of the pixels; None: nothing.

    Raises:
        UserError: if the data set lacks what it learns from.
    """
    auxiliary_loss = ARCHITECTURES[settings.model.architecture].auxiliary_loss
    return auxiliary_loss(model, settings) if auxiliary_loss else None


@contextmanager
def _dtype_policy(name: str) -> Iterator[None]:
    """Layers made meanwhile get this policy: those of keras.applications take none of their own."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
