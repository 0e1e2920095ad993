"""Losses for segmentation: one file a loss, and `segmentation_loss`, their weighted sum."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping, Sequence

from trainer.lazy_imports import ops
from trainer.losses.loss import AuxiliaryLoss, Loss, LossInputs, Tensor, Total, one_device

__all__ = ["REGISTRY", "AuxiliaryLoss", "Tensor", "Total", "load_loss", "one_device", "segmentation_loss"]

REGISTRY = {
    "cross_entropy": "trainer.losses.cross_entropy",
    "focal": "trainer.losses.focal",
    "dice": "trainer.losses.dice",
    "lovasz_softmax": "trainer.losses.lovasz_softmax",
}
"""Name of a loss to the module whose `LOSS` describes it. Only losses with a weight are imported."""

CROSS_ENTROPY: Mapping[str, float] = {"cross_entropy": 1.0}


def segmentation_loss(
    labels: Tensor,
    logits: Tensor,
    *,
    weights: Mapping[str, float] = CROSS_ENTROPY,
    class_weights: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
    focal_gamma: float = 0.0,
    total: Total = one_device,
) -> Tensor:
    """The weighted sum of losses, in float32.

    Args:
        labels: uint8 [n, H, W], class ids. Ids that are no class (`CLASS_ID_IGNORED`) do not count.
        logits: [n, H, W, classes], any float type.
        weights: Weight of each loss by its name in `trainer.losses.REGISTRY`.
        class_weights: One number a class for cross entropy and focal loss; None: all are 1.
        label_smoothing: Share of each label that is spread over all classes.
        focal_gamma: Exponent of the focal loss.
        total: Adds up sums over the replicas of a distributed training.

    Returns:
        float32 scalar.

    Examples:
        >>> import numpy as np
        >>> labels = np.array([[[0, 1], [1, 255]]], np.uint8)
        >>> logits = np.zeros((1, 2, 2, 2), np.float32)
        >>> loss = segmentation_loss(labels, logits, weights={"cross_entropy": 1.0, "dice": 0.5})
        >>> round(float(loss), 4)
        0.9503
    """
    classes = logits.shape[-1]
    inputs = LossInputs(
        labels=ops.one_hot(ops.cast(labels, "int32"), classes, dtype="float32"),
        log_probabilities=ops.log_softmax(ops.cast(logits, "float32"), axis=-1),
        class_weights=ops.convert_to_tensor(class_weights or [1.0] * classes, dtype="float32"),
        label_smoothing=label_smoothing,
        focal_gamma=focal_gamma,
        total=total,
    )
    return sum(weight * load_loss(name).compute(inputs) for name, weight in weights.items() if weight)


@functools.cache  # AutoGraph, which warns of functions that it cannot convert, leaves cached ones alone.
def load_loss(name: str) -> Loss:
    """Imports the file of a registered loss, and no other."""
    loss: Loss = importlib.import_module(REGISTRY[name]).LOSS
    return loss
