"""Random changes of training examples, a whole batch at once. Image and mask always move together."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING

from trainer.data.augmentation.augmentation import Augmentation
from trainer.data.augmentation.geometry import GEOMETRY_DRAWS, change_geometry
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
    size: int | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Changes the geometry of a batch of training examples, then applies all augmentations that are on.

    Args:
        images: uint8 [n, L, L, 3].
        masks: uint8 [n, L, L], class ids.
        draws: float32 [n, sum(draw_groups())], uniform in [0, 1).
        settings: What is changed and how strongly.
        size: S, height and width of the result in pixels; None: L.

    Returns:
        Images, float32 [n, S, S, 3] from 0 to 255, and masks, uint8 [n, S, S]. Mask pixels from outside the
        image, and those cut out, are `CLASS_ID_IGNORED`.
    """
    images, masks = change_geometry(
        images, masks, draws[:, :GEOMETRY_DRAWS], settings, size or images.shape[1]
    )
    first = GEOMETRY_DRAWS
    for name in REGISTRY:
        augmentation = load_augmentation(name)
        behind = first + augmentation.draws
        if augmentation.is_on(settings):
            images, masks = augmentation.apply(images, masks, draws[:, first:behind], settings)
        first = behind
    return images, masks


def draw_groups() -> tuple[int, ...]:
    """How many uniform random numbers an example needs, in groups that are drawn one after the other."""
    counts = [GEOMETRY_DRAWS, *(load_augmentation(name).draws for name in REGISTRY)]
    first = next(end for end in range(1, len(counts) + 1) if sum(counts[:end]) == sum(FIRST_GROUPS))
    return (*FIRST_GROUPS, *counts[first:])


@functools.cache  # AutoGraph, which warns of functions that it cannot convert, leaves cached ones alone.
def load_augmentation(name: str) -> Augmentation:
    """Imports the file of a registered augmentation."""
    augmentation: Augmentation = importlib.import_module(REGISTRY[name]).AUGMENTATION
    return augmentation
