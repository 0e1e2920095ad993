"""The loss of the box heads of Mask R-CNN."""

from collections.abc import Sequence

from keras import ops

from trainer.losses import Tensor, Total
from trainer.models.mask_rcnn.boxes import box_iou, box_offsets


def detection_loss(
    labels: Tensor, outputs: Sequence[Tensor], total: Total, *, anchors: Tensor, background: int, classes: int
) -> Tensor:
    """The loss of the heads of Faster R-CNN (Ren et al. 2015), for one object per photo.

    An anchor is positive if its IoU with the true box is at least 0.7 or the highest of all, negative below
    0.3, and ignored otherwise. A proposal is positive from 0.5 on. Positive and negative ones have the same
    total weight, where the papers sample as many of each. Offsets are learned from positive ones with the
    Huber loss.

    Args:
        labels: uint8 [n, H, W], class ids. Ids that are no class do not belong to the object.
        outputs: objectness [n, anchors, 1], offsets of the anchors [n, anchors, 4], proposed boxes [n, k, 4],
            their scores [n, k, 1] and offsets [n, k, 4].
        total: adds up sums over the replicas.
        anchors: boxes, float32 [anchors, 4].
        background: class id of the background.
        classes: number of classes.

    Returns:
        float32 scalar.
    """
    objectness, anchor_offsets, proposals, scores, offsets = outputs
    boxes, has_object = true_boxes(labels, background, classes)
    boxes, has_object = boxes[:, None], has_object[:, None]
    candidates = anchors[None]
    overlap = box_iou(candidates, boxes)
    best = overlap >= ops.max(overlap, axis=1, keepdims=True)
    positive = ops.logical_or(overlap >= 0.7, best)
    loss = _head_loss(
        candidates, boxes, positive, overlap < 0.3, has_object, objectness[..., 0], anchor_offsets, total
    )
    proposals = ops.stop_gradient(proposals)
    overlap = box_iou(proposals, boxes)
    return loss + _head_loss(
        proposals, boxes, overlap >= 0.5, overlap < 0.5, has_object, scores[..., 0], offsets, total
    )


def true_boxes(labels: Tensor, background: int, classes: int) -> tuple[Tensor, Tensor]:
    """The smallest box around each photo's object.

    Args:
        labels: uint8 [n, H, W], class ids.
        background: class id of the background.
        classes: number of classes.

    Returns:
        Boxes, float32 [n, 4], and whether there is an object, bool [n]. Without one, the box is the whole
        photo.
    """
    labels = ops.cast(labels, "int32")
    is_object = ops.logical_and(labels != background, labels < classes)
    edges = {}
    for axis, name in ((2, "y"), (1, "x")):
        line = ops.cast(ops.any(is_object, axis=axis), "int32")
        edges[name] = ops.argmax(line, axis=1), line.shape[1] - ops.argmax(ops.flip(line, axis=1), axis=1)
    boxes = [edges["y"][0], edges["x"][0], edges["y"][1], edges["x"][1]]
    return ops.stack([ops.cast(edge, "float32") for edge in boxes], axis=-1), ops.any(is_object, axis=(1, 2))


def _head_loss(
    candidates: Tensor,
    boxes: Tensor,
    positive: Tensor,
    negative: Tensor,
    has_object: Tensor,
    scores: Tensor,
    offsets: Tensor,
    total: Total,
) -> Tensor:
    """Loss of one head: cross entropy of its scores [n, k] and Huber loss of its offsets [n, k, 4]."""
    positive = ops.logical_and(positive, has_object)
    negative = ops.logical_and(
        ops.logical_or(negative, ops.logical_not(has_object)), ops.logical_not(positive)
    )
    errors = ops.abs(offsets - ops.stop_gradient(box_offsets(candidates, boxes)))
    distance = ops.sum(ops.where(errors < 1, 0.5 * errors**2, errors - 0.5), axis=-1)
    positive, negative = ops.cast(positive, "float32"), ops.cast(negative, "float32")
    sums = [
        *(ops.sum(ops.softplus(-scores) * positive), ops.sum(positive)),
        *(ops.sum(ops.softplus(scores) * negative), ops.sum(negative)),
        ops.sum(distance * positive),
    ]
    missed, positives, invented, negatives, far = ops.unstack(total(ops.stack(sums)), len(sums))
    positives, negatives = ops.maximum(positives, 1), ops.maximum(negatives, 1)
    return 0.5 * missed / positives + 0.5 * invented / negatives + far / positives
