"""Cross entropy with class weights and label smoothing."""

from __future__ import annotations

from trainer.lazy_imports import keras, ops
from trainer.losses.loss import Loss, LossInputs, Tensor


def cross_entropy(inputs: LossInputs) -> Tensor:
    """Mean of -log p(label) over the pixels, each weighted with the weight of its class.

    Label smoothing as in Szegedy et al. 2016, "Rethinking the Inception Architecture": the label keeps
    1 - s, and s is spread evenly over all classes.
    """
    return weighted_mean(pixel_cross_entropy(inputs), inputs)


def pixel_cross_entropy(inputs: LossInputs) -> Tensor:
    """Cross entropy of each pixel with its smoothed label, float32 [n, H, W]."""
    smoothing = inputs.label_smoothing
    smoothed = inputs.labels * (1 - smoothing) + smoothing / inputs.labels.shape[-1]
    return -ops.sum(smoothed * inputs.log_probabilities, axis=-1)


def weighted_mean(pixels: Tensor, inputs: LossInputs) -> Tensor:
    """Mean of float32 [n, H, W] over the pixels, each weighted with the weight of its class."""
    weights = ops.sum(inputs.labels * inputs.class_weights, axis=-1)
    sums = inputs.total(ops.stack([ops.sum(pixels * weights), ops.sum(weights)]))
    weighted, weight = ops.unstack(sums, 2)
    return weighted / ops.maximum(weight, keras.config.epsilon())


LOSS = Loss(cross_entropy)
