"""Masks of values read, and drawn in the colors of their classes, alone or over a photo."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from petseg.class_table import CLASS_ID_IGNORED, ClassTable

OVERLAY_OPACITY = 0.5
"""Opacity of the classes' colors over a photo."""


def class_ids_of(values: NDArray[np.uint8], classes: ClassTable) -> NDArray[np.uint8]:
    """Class ids of mask values [...]; `CLASS_ID_IGNORED` for what is the value of no class."""
    ids = np.full(256, CLASS_ID_IGNORED, np.uint8)
    ids[list(classes.values)] = np.arange(len(classes))
    return ids[values]


def color_mask(class_ids: NDArray[np.integer], classes: ClassTable) -> NDArray[np.uint8]:
    """Draws class ids in the colors of their classes, ignored pixels in black.

    Args:
        class_ids: Integers of any shape [...]; `CLASS_ID_IGNORED` is ignored.
        classes: Table with a color for each class.

    Returns:
        uint8 [..., 3], RGB.
    """
    palette = np.zeros((CLASS_ID_IGNORED + 1, 3), np.uint8)
    palette[: len(classes)] = classes.colors
    return palette[class_ids]


def overlay(photo: Image.Image, class_ids: NDArray[np.integer], classes: ClassTable) -> Image.Image:
    """Blends the classes' colors into a photo; ignored pixels keep the photo's color.

    Args:
        photo: RGB photo.
        class_ids: Integers [h, w], as large as the photo; `CLASS_ID_IGNORED` is ignored.
        classes: Table with a color for each class.

    Returns:
        An RGB image of the same size.
    """
    colors = color_mask(class_ids, classes)
    ignored = class_ids == CLASS_ID_IGNORED
    colors[ignored] = np.asarray(photo)[ignored]
    return Image.blend(photo, Image.fromarray(colors), OVERLAY_OPACITY)
