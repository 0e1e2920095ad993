"""The soft Dice loss."""

from __future__ import annotations

from trainer.lazy_imports import keras, ops
from trainer.losses.loss import Loss, LossInputs, Tensor


def dice_loss(inputs: LossInputs) -> Tensor:
    """One minus the soft Dice coefficient of the batch, averaged over the classes that occur in it.

    Milletari et al. 2016, "V-Net", with plain sums in the denominator. Sums run over the whole batch: photo
    by photo, a class of few pixels would weigh as much as the rest of its photo.
    """
    counted = ops.sum(inputs.labels, axis=-1, keepdims=True)
    probabilities = ops.exp(inputs.log_probabilities) * counted
    axes = (0, 1, 2)
    sums = [
        ops.sum(inputs.labels * probabilities, axis=axes),
        ops.sum(probabilities, axis=axes),
        ops.sum(inputs.labels, axis=axes),
    ]
    both, predicted, true = ops.unstack(inputs.total(ops.stack(sums)), 3)
    present = ops.cast(true > 0, "float32")
    dice = 2 * both / ops.maximum(predicted + true, keras.config.epsilon())
    return 1 - ops.sum(dice * present) / ops.maximum(ops.sum(present), 1)


LOSS = Loss(dice_loss)
