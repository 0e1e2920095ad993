"""Parts of photos and masks that may extend beyond their edges."""

from collections.abc import Sequence

import numpy as np

from petseg.class_table import CLASS_ID_IGNORED
from trainer.data.geometry.resizing import Size, reflected


def cut_patch(
    image: np.ndarray, mask: np.ndarray, first: Sequence[int], size: Size
) -> tuple[np.ndarray, np.ndarray]:
    """A patch of a photo and its mask, which may extend beyond the edges.

    Args:
        image: uint8 [h, w, 3].
        mask: uint8 [h, w], class ids.
        first: Row and column of the patch's top left pixel.
        size: Height and width of the patch in pixels.

    Returns:
        uint8 [height, width, 3], reflected beyond the edges, and uint8 [height, width], ignored there.
    """
    rows, columns = (np.arange(start, start + length) for start, length in zip(first, size, strict=True))
    height, width = mask.shape
    if rows[0] >= 0 and columns[0] >= 0 and rows[-1] < height and columns[-1] < width:
        inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        return image[inside], mask[inside]
    seen_rows, seen_columns = reflected(rows, height), reflected(columns, width)
    is_inside = (seen_rows == rows)[:, None] & (seen_columns == columns)
    labels = mask[seen_rows][:, seen_columns]
    return image[seen_rows][:, seen_columns], np.where(is_inside, labels, np.uint8(CLASS_ID_IGNORED))
