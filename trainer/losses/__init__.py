"""Losses for segmentation, each a function of the same two tensors, so that a new term is one more function.

A term takes the truth as one-hot rows (all zero where a pixel is ignored) and the logarithms of the
probabilities, both float32 [n, S, S, classes], and gives one number. Terms are quotients of sums over the
whole batch; `total` adds such sums up over the replicas of a distributed run, so that the loss there is the
loss of one device with the same batch. Lovász-softmax sorts the batch's pixels, which no sum can do: it is
for one device only.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

Tensor = Any
Total = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class AuxiliaryLoss:
    """A loss on more than the logits.

    Attributes:
        outputs: of the network's inner layers, that it is computed from.
        compute: from truth, uint8 [n, S, S], the values of `outputs` and a `total` to a float32 scalar.
    """

    outputs: list[keras.KerasTensor]
    compute: Callable[[Tensor, list[Tensor], Total], Tensor]


def one_device(partial_sum: Tensor) -> Tensor:
    """The `total` of a run on one device: what was summed here is all there is."""
    return partial_sum


def segmentation_loss(
    truth: Tensor,
    logits: Tensor,
    *,
    class_weights: Sequence[float] | None = None,
    label_smoothing: float = 0.0,
    dice_weight: float = 0.0,
    focal_gamma: float = 0.0,
    lovasz_weight: float = 0.0,
    total: Total = one_device,
) -> Tensor:
    """Cross entropy, focal where asked, plus weighted soft Dice and Lovász-softmax, in float32.

    Args:
        truth: uint8 [n, S, S], class ids; ids that are no class (`CLASS_ID_IGNORED`) do not count.
        logits: [n, S, S, classes], any float type.
        class_weights: One number a class for the cross entropy, or None for equal ones.
        label_smoothing: Share of each label that is spread over all classes.
        dice_weight: Weight of the Dice loss; 0 leaves it out.
        focal_gamma: How much less a pixel counts the surer the model is of its class; 0: all count alike.
        lovasz_weight: Weight of the Lovász-softmax loss; 0 leaves it out.
        total: Sums up over replicas.

    Returns:
        float32 scalar.
    """
    classes = logits.shape[-1]
    one_hot = ops.one_hot(ops.cast(truth, "int32"), classes, dtype="float32")
    log_probabilities = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    weights = ops.convert_to_tensor(class_weights or [1.0] * classes, dtype="float32")
    loss = cross_entropy(one_hot, log_probabilities, weights, label_smoothing, focal_gamma, total)
    if dice_weight:
        loss = loss + dice_weight * dice_loss(one_hot, log_probabilities, total)
    if lovasz_weight:
        loss = loss + lovasz_weight * lovasz_softmax(one_hot, log_probabilities)
    return loss


def cross_entropy(
    one_hot: Tensor,
    log_probabilities: Tensor,
    class_weights: Tensor,
    label_smoothing: float,
    focal_gamma: float,
    total: Total,
) -> Tensor:
    """Mean over the pixels of -log p(label), each pixel weighted with its true class's weight.

    Label smoothing as in Szegedy et al. 2016, "Rethinking the Inception Architecture": the label keeps
    1 - s, and s is spread evenly over all classes. The focal factor (1 - p(label)) ** gamma as in Lin et al.
    2017, "Focal Loss for Dense Object Detection".
    """
    weights = ops.sum(one_hot * class_weights, axis=-1)
    smoothed = one_hot * (1 - label_smoothing) + label_smoothing / one_hot.shape[-1]
    pixels = -ops.sum(smoothed * log_probabilities, axis=-1)
    if focal_gamma:
        doubt = 1 - ops.exp(ops.sum(one_hot * log_probabilities, axis=-1))
        # At zero the power's slope is infinite where gamma is below one.
        pixels = pixels * ops.maximum(doubt, keras.config.epsilon()) ** focal_gamma
    weighted, weight = ops.unstack(total(ops.stack([ops.sum(pixels * weights), ops.sum(weights)])), 2)
    return weighted / ops.maximum(weight, keras.config.epsilon())


def dice_loss(one_hot: Tensor, log_probabilities: Tensor, total: Total) -> Tensor:
    """One minus the soft Dice coefficient of the batch, averaged over the classes that occur in it.

    Milletari et al. 2016, "V-Net", with plain sums in the denominator. Sums run over the whole batch: photo
    by photo, a class of few pixels would weigh as much as the rest of its photo.
    """
    counted = ops.sum(one_hot, axis=-1, keepdims=True)
    probabilities = ops.exp(log_probabilities) * counted
    axes = (0, 1, 2)
    both, predicted, true = ops.unstack(
        total(
            ops.stack(
                [
                    ops.sum(one_hot * probabilities, axis=axes),
                    ops.sum(probabilities, axis=axes),
                    ops.sum(one_hot, axis=axes),
                ]
            )
        ),
        3,
    )
    present = ops.cast(true > 0, "float32")
    dice = 2 * both / ops.maximum(predicted + true, keras.config.epsilon())
    return 1 - ops.sum(dice * present) / ops.maximum(ops.sum(present), 1)


def lovasz_softmax(one_hot: Tensor, log_probabilities: Tensor) -> Tensor:
    """A convex stand-in for one minus the IoU of the batch, averaged over the classes that occur in it.

    Berman et al. 2018, "The Lovász-Softmax loss". A class's pixels are sorted by their error, the worst
    first; each error is weighted with how much the Jaccard loss grows when its pixel is wrong as well as all
    before it. Sorting costs n S S log(n S S) a class.
    """
    classes = one_hot.shape[-1]
    true = ops.transpose(ops.reshape(one_hot, (-1, classes)))
    counted = ops.sum(true, axis=0, keepdims=True)
    errors = ops.abs(true - ops.transpose(ops.reshape(ops.exp(log_probabilities), (-1, classes)))) * counted
    # Ignored pixels come last, where they can change nobody's weight.
    order = ops.argsort(-(errors + counted), axis=-1)
    true = ops.take_along_axis(true, order, axis=-1)
    size = ops.sum(true, axis=-1, keepdims=True)
    found = ops.cumsum(true, axis=-1)
    jaccard_loss = 1 - (size - found) / ops.maximum(size + ops.cumsum(1 - true, axis=-1), 1)
    weights = jaccard_loss - ops.pad(jaccard_loss[:, :-1], ((0, 0), (1, 0)))
    losses = ops.sum(ops.take_along_axis(errors, order, axis=-1) * ops.stop_gradient(weights), axis=-1)
    present = ops.cast(size[:, 0] > 0, "float32")
    return ops.sum(losses * present) / ops.maximum(ops.sum(present), 1)
