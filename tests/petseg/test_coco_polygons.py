"""Outlines of masks, filled again by COCO's rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from petseg.coco_polygons import outlines
from petseg.coco_rle import fill_polygon

CLASS_IDS = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 2))
)


@given(CLASS_IDS)
def test_outlines_drawn_from_the_largest_to_the_smallest_are_the_mask(class_ids):
    height, width = class_ids.shape
    parts = [(class_id, outline) for class_id in range(3) for outline in outlines(class_ids == class_id)]
    drawn = np.full(class_ids.shape, 9, np.uint8)
    for class_id, outline in sorted(parts, key=lambda part: -part[1].area):
        drawn[fill_polygon(outline.points.ravel().tolist(), height, width)] = class_id
    np.testing.assert_array_equal(drawn, class_ids)


def test_an_outline_has_few_points_and_a_box():
    mask = np.zeros((50, 60), bool)
    mask[10:40, 20:30] = True
    (outline,) = outlines(mask)
    assert len(outline.points) == 8, "corners are cut, sides are straight"
    assert outline.box == (20, 10, 10, 30)
    assert outline.area == pytest.approx(300, abs=1)


def test_an_empty_mask_has_none():
    assert outlines(np.zeros((3, 3), bool)) == []
