"""What the box heads of Mask R-CNN learn from."""

from collections.abc import Sequence

from keras import ops

from trainer.losses import Tensor, Total
from trainer.models.mask_rcnn.boxes import box_iou, box_offsets


def detection_loss(
    truth: Tensor, outputs: Sequence[Tensor], total: Total, *, anchors: Tensor, background: int, classes: int
) -> Tensor:
    """What Faster R-CNN's heads learn from (Ren et al. 2015), for one object a photo.

    An anchor is right where its IoU with the true box is at least 0.7 or the highest of all, wrong below 0.3,
    and else not counted; a proposal is right from 0.5 on. Right and wrong ones weigh the same as a whole,
    where the papers draw as many of each. Offsets are learned from the right ones, by the Huber loss.

    Args:
        truth: uint8 [n, S, S], class ids; what is no class belongs to no object.
        outputs: objectness [n, anchors, 1], offsets of the anchors [n, anchors, 4], proposed boxes [n, k, 4],
            their scores [n, k, 1] and offsets [n, k, 4].
        total: sums up over replicas.
        anchors: boxes, float32 [anchors, 4].
        background: class id of what is no object.
        classes: number of classes.

    Returns:
        float32 scalar.
    """
    objectness, anchor_offsets, proposals, scores, offsets = outputs
    boxes, has_object = true_boxes(truth, background, classes)
    boxes, has_object = boxes[:, None], has_object[:, None]
    candidates = anchors[None]
    overlap = box_iou(candidates, boxes)
    best = overlap >= ops.max(overlap, axis=1, keepdims=True)
    right = ops.logical_or(overlap >= 0.7, best)
    loss = _head_loss(
        candidates, boxes, right, overlap < 0.3, has_object, objectness[..., 0], anchor_offsets, total
    )
    proposals = ops.stop_gradient(proposals)
    overlap = box_iou(proposals, boxes)
    return loss + _head_loss(
        proposals, boxes, overlap >= 0.5, overlap < 0.5, has_object, scores[..., 0], offsets, total
    )


def true_boxes(truth: Tensor, background: int, classes: int) -> tuple[Tensor, Tensor]:
    """The smallest box around each photo's object.

    Args:
        truth: uint8 [n, S, S], class ids.
        background: class id of what is no object.
        classes: number of classes.

    Returns:
        float32 [n, 4], and bool [n], whether there is an object at all; if not, the box is that of the photo.
    """
    truth = ops.cast(truth, "int32")
    is_object = ops.logical_and(truth != background, truth < classes)
    edges = {}
    for axis, name in ((2, "y"), (1, "x")):
        line = ops.cast(ops.any(is_object, axis=axis), "int32")
        edges[name] = ops.argmax(line, axis=1), line.shape[1] - ops.argmax(ops.flip(line, axis=1), axis=1)
    boxes = [edges["y"][0], edges["x"][0], edges["y"][1], edges["x"][1]]
    return ops.stack([ops.cast(edge, "float32") for edge in boxes], axis=-1), ops.any(is_object, axis=(1, 2))


def _head_loss(
    candidates: Tensor,
    boxes: Tensor,
    right: Tensor,
    wrong: Tensor,
    has_object: Tensor,
    scores: Tensor,
    offsets: Tensor,
    total: Total,
) -> Tensor:
    """Of one head: cross entropy of its scores [n, k], and Huber loss of the offsets [n, k, 4]."""
    right = ops.logical_and(right, has_object)
    wrong = ops.logical_and(ops.logical_or(wrong, ops.logical_not(has_object)), ops.logical_not(right))
    errors = ops.abs(offsets - ops.stop_gradient(box_offsets(candidates, boxes)))
    distance = ops.sum(ops.where(errors < 1, 0.5 * errors**2, errors - 0.5), axis=-1)
    right, wrong = ops.cast(right, "float32"), ops.cast(wrong, "float32")
    sums = [
        *(ops.sum(ops.softplus(-scores) * right), ops.sum(right)),
        *(ops.sum(ops.softplus(scores) * wrong), ops.sum(wrong)),
        ops.sum(distance * right),
    ]
    missed, rights, invented, wrongs, far = ops.unstack(total(ops.stack(sums)), len(sums))
    rights, wrongs = ops.maximum(rights, 1), ops.maximum(wrongs, 1)
    return 0.5 * missed / rights + 0.5 * invented / wrongs + far / rights
