"""Random changes of training examples, a whole batch at once. Image and mask always move together."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING

from trainer.data.augmentation.augmentation import Augmentation
from trainer.data.augmentation.warp import WARP_DRAWS, warp
from trainer.lazy_imports import tf

if TYPE_CHECKING:
    from trainer.data.augmentation.settings import AugmentationSettings

REGISTRY = {
    "color": "trainer.data.augmentation.color",
    "blur": "trainer.data.augmentation.blur",
    "cutout": "trainer.data.augmentation.cutout",
}
"""Name of an augmentation to the module whose `AUGMENTATION` describes it, in the order in which they are
applied. A new one goes to the end, so that the random numbers of the others stay the same."""

FIRST_GROUPS = (8, 6)
"""Random numbers of geometry, color, blur and cutout together are drawn in these groups."""


def augment(
    images: tf.Tensor,
    masks: tf.Tensor,
    draws: tf.Tensor,
    settings: AugmentationSettings,
    size: tuple[int, int] | None = None,
    unit: tuple[int, int] | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Warps a batch of training examples, then applies all augmentations that are on.

    Args:
        images: uint8 [n, h, w, 3].
        masks: uint8 [n, h, w], class ids.
        draws: float32 [n, sum(draw_groups())], uniform in [0, 1).
        settings: What is changed and how strongly.
        size: H and W, height and width of the result in pixels; None: those of `images`.
        unit: Height and width in pixels of a crop of scale 1; None: the whole image.

    Returns:
        Images, float32 [n, H, W, 3] from 0 to 255, and masks, uint8 [n, H, W]. Mask pixels from outside the
        image, and those cut out, are `CLASS_ID_IGNORED`.
    """
    old_size = (images.shape[1], images.shape[2])
    images, masks = warp(
        images, masks, draws[:, :WARP_DRAWS], settings, size or old_size, unit=unit or old_size
    )
    first = WARP_DRAWS
    for name in REGISTRY:
        augmentation = load_augmentation(name)
        behind = first + augmentation.draws
        if augmentation.is_on(settings):
            images, masks = augmentation.apply(images, masks, draws[:, first:behind], settings)
        first = behind
    return images, masks


def draw_groups() -> tuple[int, ...]:
    """How many uniform random numbers an example needs, in groups that are drawn one after the other."""
    counts = [WARP_DRAWS, *(load_augmentation(name).draws for name in REGISTRY)]
    first = next(end for end in range(1, len(counts) + 1) if sum(counts[:end]) == sum(FIRST_GROUPS))
    return (*FIRST_GROUPS, *counts[first:])


@functools.cache  # AutoGraph, which warns of functions that it cannot convert, leaves cached ones alone.
def load_augmentation(name: str) -> Augmentation:
    """Imports the file of a registered augmentation."""
    augmentation: Augmentation = importlib.import_module(REGISTRY[name]).AUGMENTATION
    return augmentation
