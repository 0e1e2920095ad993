"""The focal loss."""

from __future__ import annotations

from trainer.lazy_imports import keras, ops
from trainer.losses.cross_entropy import pixel_cross_entropy, weighted_mean
from trainer.losses.loss import Loss, LossInputs, Tensor


def focal_loss(inputs: LossInputs) -> Tensor:
    """Cross entropy in which each pixel counts (1 - p(label)) ** gamma times.

    Lin et al. 2017, "Focal Loss for Dense Object Detection".
    """
    doubt = 1 - ops.exp(ops.sum(inputs.labels * inputs.log_probabilities, axis=-1))
    # At zero the slope of the power is infinite if gamma is below one.
    factor = ops.maximum(doubt, keras.config.epsilon()) ** inputs.focal_gamma
    return weighted_mean(pixel_cross_entropy(inputs) * factor, inputs)


LOSS = Loss(focal_loss)
