"""The Lovász-softmax loss."""

from __future__ import annotations

from trainer.lazy_imports import ops
from trainer.losses.loss import Loss, LossInputs, Tensor


def lovasz_softmax(inputs: LossInputs) -> Tensor:
    """A convex surrogate for one minus the IoU of the batch, averaged over the classes that occur in it.

    Berman et al. 2018, "The Lovász-Softmax loss". The pixels of a class are sorted by their error, the worst
    first. Each error is weighted with the growth of the Jaccard loss when its pixel joins the wrong ones
    before it. Sorting costs n S S log(n S S) a class.
    """
    classes = inputs.labels.shape[-1]
    true = ops.transpose(ops.reshape(inputs.labels, (-1, classes)))
    counted = ops.sum(true, axis=0, keepdims=True)
    probabilities = ops.transpose(ops.reshape(ops.exp(inputs.log_probabilities), (-1, classes)))
    errors = ops.abs(true - probabilities) * counted
    # Ignored pixels come last, where they cannot change the weights of others.
    order = ops.argsort(-(errors + counted), axis=-1)
    true = ops.take_along_axis(true, order, axis=-1)
    size = ops.sum(true, axis=-1, keepdims=True)
    found = ops.cumsum(true, axis=-1)
    jaccard_loss = 1 - (size - found) / ops.maximum(size + ops.cumsum(1 - true, axis=-1), 1)
    weights = jaccard_loss - ops.pad(jaccard_loss[:, :-1], ((0, 0), (1, 0)))
    losses = ops.sum(ops.take_along_axis(errors, order, axis=-1) * ops.stop_gradient(weights), axis=-1)
    present = ops.cast(size[:, 0] > 0, "float32")
    return ops.sum(losses * present) / ops.maximum(ops.sum(present), 1)


LOSS = Loss(lovasz_softmax, one_device_only=True)
