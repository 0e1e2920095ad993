"""What a loss is given, and what its file offers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

Tensor = Any
Total = Callable[[Tensor], Tensor]
"""Adds up a sum over the replicas of a distributed training."""


def one_device(partial_sum: Tensor) -> Tensor:
    """The `Total` of a training on one device, where nothing has to be added."""
    return partial_sum


@dataclass(frozen=True)
class LossInputs:
    """What every loss is computed from.

    Attributes:
        labels: one-hot labels, float32 [n, H, W, classes]; all zero where a pixel is ignored.
        log_probabilities: float32 [n, H, W, classes].
        class_weights: float32 [classes].
        label_smoothing: share of each label that is spread over all classes.
        focal_gamma: exponent of the focal factor.
        total: adds up sums over the replicas.
    """

    labels: Tensor
    log_probabilities: Tensor
    class_weights: Tensor
    label_smoothing: float = 0.0
    focal_gamma: float = 0.0
    total: Total = one_device


@dataclass(frozen=True)
class Loss:
    """A loss by its name in the registry.

    Attributes:
        compute: from inputs to a float32 scalar. To give the same number on many devices as on one with the
            same batch, it is a quotient of sums that went through `inputs.total`.
        one_device_only: whether it needs all pixels of the batch on one device.
    """

    compute: Callable[[LossInputs], Tensor]
    one_device_only: bool = False


@dataclass(frozen=True)
class AuxiliaryLoss:
    """A loss on more than the logits.

    Attributes:
        outputs: outputs of the network's inner layers that it is computed from.
        compute: from labels, uint8 [n, H, W], the values of `outputs` and a `Total` to a float32 scalar.
    """

    outputs: list[keras.KerasTensor]
    compute: Callable[[Tensor, list[Tensor], Total], Tensor]
