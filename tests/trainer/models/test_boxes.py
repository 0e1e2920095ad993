import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trainer.models.mask_rcnn.boxes import (
    SMALLEST_SIDE,
    box_iou,
    box_offsets,
    clip_boxes,
    draw_boxes,
    move_boxes,
    read_boxes,
)


@st.composite
def boxes(draw, size=64):
    (top, height), (left, width) = (
        (low, draw(st.integers(2, size - low))) for low in (draw(st.integers(0, size - 2)) for _ in "yx")
    )
    bottom, right = top + height, left + width
    return np.array([top, left, bottom, right], np.float32)


def pixels(box, size=64):
    mask = np.zeros((size, size), bool)
    top, left, bottom, right = box.astype(int)
    mask[top:bottom, left:right] = True
    return mask


@given(boxes(), boxes())
def test_iou_is_that_of_the_boxes_pixels(one, other):
    one_mask, other_mask = pixels(one), pixels(other)
    expected = (one_mask & other_mask).sum() / (one_mask | other_mask).sum()
    np.testing.assert_allclose(box_iou(one, other), expected, rtol=1e-6)


@given(boxes(), boxes())
def test_offsets_lead_from_one_box_to_the_other(one, other):
    np.testing.assert_allclose(move_boxes(one, box_offsets(one, other)), other, atol=0.01)


def test_offsets_are_tenths_of_sides_and_fifths_of_logarithms():
    offsets = box_offsets(np.float32([0, 0, 10, 20]), np.float32([2.5, 5, 17.5, 25]))
    np.testing.assert_allclose(offsets, [5.0, 2.5, 5 * np.log(1.5), 0], rtol=1e-6)


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=4, max_size=4))
def test_a_clipped_box_lies_in_the_photo_and_has_room(edges):
    top, left, bottom, right = np.array(clip_boxes(np.array(edges, np.float32), (64, 64)))
    assert top >= 0
    assert left >= 0
    assert min(bottom - top, right - left) >= SMALLEST_SIDE - 1e-5
    assert bottom <= 64
    assert right <= 64


def interpolated(feature, y, x):
    """Bilinear, with the edge's value beyond the edge."""
    y, x = np.clip(y, 0, feature.shape[0] - 1), np.clip(x, 0, feature.shape[1] - 1)
    top, left = min(int(y), feature.shape[0] - 2), min(int(x), feature.shape[1] - 2)
    down, right = y - top, x - left
    return (
        feature[top, left] * (1 - down) * (1 - right)
        + feature[top, left + 1] * (1 - down) * right
        + feature[top + 1, left] * down * (1 - right)
        + feature[top + 1, left + 1] * down * right
    )


def reference_roi_align(feature, box, stride, bins):
    """Point by point, as the paper says."""
    top, left, bottom, right = box
    result = np.zeros((bins, bins, feature.shape[-1]))
    for row, column in np.ndindex(bins, bins):
        for down, over in ((0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75)):
            y = top + (bottom - top) * (row + down) / bins
            x = left + (right - left) * (column + over) / bins
            result[row, column] += interpolated(feature, y / stride - 0.5, x / stride - 0.5) / 4
    return result


@given(boxes(), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_reads_as_roi_align_does(box, bins, seed):
    feature = np.random.default_rng(seed).normal(size=(2, 8, 8, 3)).astype(np.float32)
    read = read_boxes(feature, np.stack([[box], [box]]), stride=8, bins=bins)
    assert read.shape == (2, 1, bins, bins, 3)
    for prediction, expected in zip(read, feature, strict=True):
        np.testing.assert_allclose(prediction[0], reference_roi_align(expected, box, 8, bins), atol=1e-5)


@given(boxes(), st.integers(0, 2**32 - 1))
def test_draws_into_the_box_alone(box, seed):
    grid = np.random.default_rng(seed).normal(size=(1, 4, 4, 2)).astype(np.float32)
    drawn, inside = (np.array(part) for part in draw_boxes(grid, box[None], (64, 64)))
    np.testing.assert_array_equal(inside[0, ..., 0] > 0, pixels(box))
    assert not drawn[0][~pixels(box)].any()
    top, left, bottom, right = box
    for y, x in np.argwhere(pixels(box))[::97]:
        place = (y + 0.5 - top) / (bottom - top) * 4 - 0.5, (x + 0.5 - left) / (right - left) * 4 - 0.5
        np.testing.assert_allclose(drawn[0, y, x], interpolated(grid[0], *place), atol=1e-4)
