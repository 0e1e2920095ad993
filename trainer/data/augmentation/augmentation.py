"""What an augmentation's file offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from petseg.settings import Settings

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Augmentation:
    """A random change of a batch of training examples.

    Nothing in it draws random numbers: it is given them, one row an example, so that the change of an example
    depends on nothing else.

    Attributes:
        settings: class of its settings; their names become settings of `trainer.augmentation`.
        draws: how many uniform random numbers an example needs.
        is_on: whether these settings change anything.
        apply: from images (float32 [n, H, W, 3], 0 to 255), masks (uint8 [n, H, W], class ids), random
            numbers (float32 [n, draws], uniform in [0, 1)) and the settings to images and masks.
    """

    settings: type[Settings]
    draws: int
    is_on: Callable[[Any], bool]
    apply: Callable[[tf.Tensor, tf.Tensor, tf.Tensor, Any], tuple[tf.Tensor, tf.Tensor]]
