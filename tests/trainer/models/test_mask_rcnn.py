import keras
import numpy as np
import pytest
import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from tests.trainer.shapes import shape_pairs
from trainer.losses import one_device
from trainer.models.mask_rcnn.box_layers import (
    OVERLAP_OF_DUPLICATES,
    PROPOSALS,
    BestBox,
    LevelReader,
    MaskDrawer,
    Proposals,
    anchors,
)
from trainer.models.mask_rcnn.boxes import box_iou, box_offsets
from trainer.models.mask_rcnn.detection_loss import detection_loss, true_boxes
from trainer.training.fit import fit

GROUND = 1


def case(seed=0, size=64):
    """Masks of one object each, the last without one, and what heads might say of them."""
    random = np.random.default_rng(seed)
    masks = np.full((3, size, size), GROUND, np.uint8)
    masks[0, 4:40, 10:62] = 0
    masks[1, 20:64, 0:30] = 2
    masks[2, :8] = CLASS_ID_IGNORED
    count = len(anchors((size, size)))
    proposals = np.sort(random.uniform(0, size, (3, PROPOSALS, 2, 2)), axis=2).reshape(3, PROPOSALS, 4)
    proposals[:2, 0] = [[6, 8, 42, 64], [16, 0, 64, 33]]
    outputs = [
        random.normal(size=(3, count, 1)),
        random.normal(0, 2, (3, count, 4)),
        proposals,
        random.normal(size=(3, PROPOSALS, 1)),
        random.normal(0, 2, (3, PROPOSALS, 4)),
    ]
    return masks, [output.astype(np.float32) for output in outputs]


def reference_head_loss(candidates, truth, scores, offsets, rule):
    """Photo by photo and box by box; `truth` holds a box a photo or None."""
    missed, invented, far = [], [], []
    for photo, box in enumerate(truth):
        overlaps = None if box is None else np.array(box_iou(candidates[photo], box))
        for place, candidate in enumerate(candidates[photo]):
            right, wrong = (False, True) if box is None else rule(overlaps[place], overlaps.max())
            score = float(scores[photo, place, 0])
            if right:
                missed.append(np.log1p(np.exp(-score)))
                errors = np.abs(offsets[photo, place] - np.array(box_offsets(candidate, box)))
                far.append(np.where(errors < 1, errors**2 / 2, errors - 0.5).sum())
            elif wrong:
                invented.append(np.log1p(np.exp(score)))
    return np.mean(missed) / 2 + np.mean(invented) / 2 + np.mean(far)


def test_detection_loss_is_the_definitions():
    masks, outputs = case()
    objectness, anchor_offsets, proposals, scores, offsets = outputs
    truth = [np.float32([4, 10, 40, 62]), np.float32([20, 0, 64, 30]), None]
    expected = reference_head_loss(
        [anchors((64, 64))] * 3,
        truth,
        objectness,
        anchor_offsets,
        lambda iou, best: (iou >= 0.7 or iou == best, iou < 0.3),
    )
    expected += reference_head_loss(
        proposals, truth, scores, offsets, lambda iou, best: (iou >= 0.5, iou < 0.5)
    )
    loss = detection_loss(masks, outputs, one_device, anchors=anchors((64, 64)), background=GROUND, classes=3)
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


def test_detection_loss_of_photos_without_an_object_is_a_number():
    _, outputs = case()
    masks = np.full((3, 64, 64), GROUND, np.uint8)
    assert np.isfinite(
        detection_loss(masks, outputs, one_device, anchors=anchors((64, 64)), background=GROUND, classes=3)
    )


def test_the_true_box_is_the_smallest_around_all_that_is_not_background():
    masks, _ = case()
    boxes, has_object = true_boxes(masks, GROUND, classes=3)
    np.testing.assert_array_equal(boxes[:2], [[4, 10, 40, 62], [20, 0, 64, 30]])
    np.testing.assert_array_equal(has_object, [True, True, False])


def test_anchors_stand_in_the_middle_of_their_places():
    boxes = anchors((64, 64))
    assert len(boxes) == 3 * (16**2 + 8**2 + 4**2 + 2**2)
    np.testing.assert_allclose(boxes[1], [2 - 8, 2 - 8, 2 + 8, 2 + 8])
    np.testing.assert_allclose(boxes[-2], [48 - 64, 48 - 64, 48 + 64, 48 + 64])
    heights, widths = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    np.testing.assert_allclose(np.unique(np.round(heights / widths, 4)), [0.5, 1, 2])


def test_proposals_are_the_best_that_differ_and_the_whole_photo():
    random = np.random.default_rng(0)
    objectness = random.normal(size=(2, len(anchors((64, 64))), 1)).astype(np.float32)
    proposals = np.array(
        Proposals((64, 64))([objectness, np.zeros((2, len(anchors((64, 64))), 4), np.float32)])
    )
    assert proposals.shape == (2, PROPOSALS, 4)
    np.testing.assert_array_equal(proposals[:, -1], [[0, 0, 64, 64]] * 2)
    for scores, chosen in zip(objectness[..., 0], proposals, strict=True):
        best = np.clip(anchors((64, 64))[scores.argmax()], 0, 64)
        np.testing.assert_allclose(chosen[0], best, atol=1e-4)
        overlap = np.array(box_iou(chosen[:-1, None], chosen[None, :-1])) - np.eye(PROPOSALS - 1)
        assert overlap.max() <= OVERLAP_OF_DUPLICATES


def test_the_best_box_is_corrected_and_widened():
    boxes = np.float32([[[0, 0, 8, 8], [20, 20, 40, 40]]])
    scores = np.float32([[[0.1], [0.2]]])
    offsets = np.float32([[[0, 0, 0, 0], [1, 0, 0, 0]]])  # a tenth of the height downwards
    np.testing.assert_allclose(BestBox((64, 64))([boxes, scores, offsets]), [[20, 18, 44, 42]], atol=1e-4)


def test_boxes_are_read_from_the_level_of_their_size():
    pyramid = [np.full((1, 512 // stride, 512 // stride, 1), stride, np.float32) for stride in (4, 8, 16, 32)]
    sides = np.float32([20, 111, 112, 223, 224, 447, 448, 512])
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], axis=-1)[None]
    read = np.array(LevelReader(7)([*pyramid, boxes]))
    assert read.shape == (1, 8, 7, 7, 1)
    np.testing.assert_allclose(read[0, :, 3, 3, 0], [4, 4, 8, 8, 16, 16, 32, 32])


def test_outside_of_the_box_learned_scores_stand():
    drawer = MaskDrawer((32, 32))
    inputs = [np.ones((1, 8, 8, 3), np.float32), np.float32([[8, 8, 24, 24]])]
    drawer(inputs)
    drawer.outside.assign([1.0, 2.0, 3.0])
    logits = np.array(drawer(inputs))[0]
    np.testing.assert_allclose(logits[8:24, 8:24], np.ones((16, 16, 3)), rtol=1e-6)
    np.testing.assert_array_equal(logits[0, 0], [1, 2, 3])


@pytest.fixture
def settings(tiny_settings):
    made = tiny_settings(architecture="mask_rcnn", background="second", freeze_encoder="stage1")
    trainer = {
        "epochs": 60,
        "batch_size": 8,
        "learning_rate": 0.003,
        "warmup_epochs": 1,
        "augmentation": {"preset": "flips"},
    }
    return type(made).model_validate(made.model_dump() | {"trainer": trainer})


@pytest.mark.slow
def test_training_finds_the_object_and_its_classes(settings, tmp_path):
    pairs = shape_pairs(32, 64)
    model, history = fit(
        settings,
        pairs,
        shape_pairs(8, 64, seed=1),
        transform_output="",
        checkpoints=str(tmp_path),
        strategy=tf.distribute.get_strategy(),
    )
    assert max(epoch["mean_iou"] for epoch in history) > 0.8
    boxes = keras.Model(model.input, model.get_layer("box").output)(np.stack(pairs.images).astype(np.float32))
    truth, _ = true_boxes(np.stack(pairs.masks), GROUND, classes=3)
    # The box is wider than the object by a tenth of its sides all around: 1 / 1.44.
    assert np.mean(box_iou(boxes, truth)) > 0.55
