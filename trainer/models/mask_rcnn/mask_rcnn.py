"""Mask R-CNN (He et al. 2017), limited to one box per photo.

It is meant for photos with one object each. A region proposal network proposes boxes in a feature pyramid, a
second head corrects the best ones and scores them, and a mask is drawn into the box with the highest score.
The mask holds the classes of the data set, so the output is a class map like that of the other architectures.

It does not separate instances. In a photo with several objects, the box to learn is the smallest one around
all of them, and everything outside the predicted box gets the same logits.

It is simpler than the paper:

- Proposals are filtered by Fast NMS (Bolya et al. 2019, "YOLACT"), which needs no loop.
- The mask head reads the finest level of the pyramid, as the coarse head of PointRend does (Kirillov et al.
  2020), and learns from the class map. The other heads learn from `detection_loss`.
- Both heads see proposals only, also in training; the paper adds the true boxes. The whole photo is always
  one of the proposals, so that no large object is without one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from petseg.class_table import ClassTable
from petseg.settings import check_known
from trainer.lazy_imports import keras, layers
from trainer.models.architecture import Architecture
from trainer.models.blocks import convolve
from trainer.models.fpn import build_pyramid
from trainer.models.settings import ModelSettings

if TYPE_CHECKING:
    from trainer.losses import AuxiliaryLoss

BOX_BINS = 7
MASK_BINS = 28
BOX_UNITS = 256

DETECTION_LAYERS = ("objectness", "anchor_offsets", "proposals", "box_scores", "box_offsets")
"""The outputs that `detection_loss` takes, in this order."""


class MaskRCNNSettings(ModelSettings):
    """Settings of Mask R-CNN, which draws one box per photo."""

    architecture: Literal["mask_rcnn"] = "mask_rcnn"
    pyramid_filters: int = Field(
        256, ge=2, le=1024, description="Filters of the pyramid and of the mask head."
    )
    background: str = Field(
        "background",
        description="Class around the object. All other classes together are the one object per photo that "
        "mask_rcnn finds: it does not separate instances.",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="Dropout before the last layer.")

    def check_against(self, classes: ClassTable) -> None:
        """Checks that the background is a class of the data."""
        check_known("model.background", self.background, classes.names)


def build_mask_rcnn(
    features: list[keras.KerasTensor], classes: int, settings: MaskRCNNSettings
) -> keras.KerasTensor:
    """Finds one box per photo, and draws the classes into it.

    Args:
        features: float [n, H / stride, W / stride, channels] at strides 2, 4, 8, 16, 32; the first is not
            used.
        classes: number of classes.
        settings: `pyramid_filters` are the filters of the pyramid and of the heads.

    Returns:
        Logits, float32 [n, H, W, classes].
    """
    from trainer.models.mask_rcnn import box_layers

    width, size = settings.pyramid_filters, settings.input_size
    pyramid = build_pyramid(features[1:], width)
    objectness, offsets = _propose(pyramid, width)
    proposals = box_layers.Proposals(size, name="proposals")([objectness, offsets])

    x = layers.Reshape((box_layers.PROPOSALS, -1))(box_layers.LevelReader(BOX_BINS)([*pyramid, proposals]))
    for _ in range(2):
        x = layers.Dense(BOX_UNITS, activation="relu", kernel_initializer="he_normal")(x)
    scores = layers.Dense(1, name="box_scores", dtype="float32")(x)
    corrections = layers.Dense(4, kernel_initializer="zeros", name="box_offsets", dtype="float32")(x)
    box = box_layers.BestBox(size, name="box")([proposals, scores, corrections])

    x = box_layers.BoxReader(box_layers.LEVEL_STRIDES[0], MASK_BINS)([pyramid[0], box])
    for _ in range(4):
        x = convolve(x, width)
    x = layers.Conv2DTranspose(width, 2, strides=2, activation="relu")(x)
    x = layers.Dropout(settings.dropout)(x)
    mask = layers.Conv2D(classes, 1, dtype="float32", name="mask")(x)
    return box_layers.MaskDrawer(size, name="logits", dtype="float32")([mask, box])


def _propose(pyramid: list[keras.KerasTensor], width: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Objectness, [n, anchors, 1], and offsets, [n, anchors, 4], with the same layers for all levels."""
    from trainer.models.mask_rcnn.box_layers import ANCHOR_RATIOS

    shared = layers.Conv2D(
        width, 3, padding="same", activation="relu", kernel_initializer="he_normal", name="propose"
    )
    score = layers.Conv2D(len(ANCHOR_RATIOS), 1, dtype="float32", name="propose_scores")
    move = layers.Conv2D(
        4 * len(ANCHOR_RATIOS), 1, kernel_initializer="zeros", dtype="float32", name="propose_offsets"
    )
    seen = [shared(level) for level in pyramid]
    scores = [layers.Reshape((-1, 1))(score(level)) for level in seen]
    offsets = [layers.Reshape((-1, 4))(move(level)) for level in seen]
    return (
        layers.Concatenate(axis=1, name="objectness", dtype="float32")(scores),
        layers.Concatenate(axis=1, name="anchor_offsets", dtype="float32")(offsets),
    )


def learn_detection(model: keras.Model, settings: MaskRCNNSettings, classes: ClassTable) -> AuxiliaryLoss:
    """`detection_loss` on the heads of a network, with the box around everything but `model.background`."""
    from trainer.losses import AuxiliaryLoss
    from trainer.models.mask_rcnn.box_layers import anchors
    from trainer.models.mask_rcnn.detection_loss import detection_loss

    return AuxiliaryLoss(
        [model.get_layer(name).output for name in DETECTION_LAYERS],
        partial(
            detection_loss,
            anchors=anchors(settings.input_size),
            background=classes.names.index(settings.background),
            classes=len(classes),
        ),
    )


ARCHITECTURE = Architecture(MaskRCNNSettings, build_mask_rcnn, auxiliary_loss=learn_detection)
