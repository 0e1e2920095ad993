import numpy as np
from PIL import Image

from petseg.class_table import CLASS_ID_IGNORED, ClassTable
from petseg.overlay import OVERLAY_OPACITY, color_mask, overlay

CLASSES = ClassTable.model_validate(
    [
        {"value": 0, "name": "square", "color": "#ff0000"},
        {"value": 1, "name": "ground", "color": "#00ff00"},
        {"value": 2, "name": "rim", "color": "#0000ff"},
    ]
)


def test_masks_are_drawn_in_the_tables_colors():
    drawn = color_mask(np.array([[[0, 2, CLASS_ID_IGNORED]]]), CLASSES)
    np.testing.assert_array_equal(drawn, [[[[255, 0, 0], [0, 0, 255], [0, 0, 0]]]])


def test_an_overlay_blends_the_colors_and_leaves_ignored_pixels_alone():
    photo = np.array([[[100, 40, 200], [100, 40, 200]]], np.uint8)
    drawn = np.asarray(overlay(Image.fromarray(photo), np.array([[1, CLASS_ID_IGNORED]]), CLASSES))
    blended = (1 - OVERLAY_OPACITY) * photo[0, 0] + OVERLAY_OPACITY * np.array([0, 255, 0])
    np.testing.assert_allclose(drawn[0, 0], blended, atol=1)
    np.testing.assert_array_equal(drawn[0, 1], photo[0, 1])
