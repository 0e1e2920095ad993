"""How well the edges of a mask follow those of its photo."""

import numpy as np
from PIL import Image

SIDE = 256
"""Longest side at which edges are compared: small differences of drawing do not count."""

FEWEST_EDGE_PIXELS = 20


def edge_contrast(photo: Image.Image, values: np.ndarray) -> float | None:
    """How much stronger the photo's gradient is at the mask's edges than elsewhere.

    Args:
        photo: RGB, upright.
        values: The mask's values [height, width], upright, of any size.

    Returns:
        The ratio of the mean gradients: near 1 for a mask of another photo, mostly above 1.5 for its
        own. None where the mask or the photo has no edges.
    """
    scale = min(1, SIDE / max(photo.size))
    width, height = (max(2, round(side * scale)) for side in photo.size)
    gray = np.asarray(photo.convert("L").resize((width, height), Image.Resampling.BOX), np.float64)
    rows = ((np.arange(height) + 0.5) * values.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * values.shape[1] / width).astype(int)
    small = values[rows][:, columns]
    gradient = np.hypot(*np.gradient(gray))
    edges = np.zeros(small.shape, bool)
    across, down = small[:, 1:] != small[:, :-1], small[1:] != small[:-1]
    for part, change in (
        (edges[:, 1:], across),
        (edges[:, :-1], across),
        (edges[1:], down),
        (edges[:-1], down),
    ):
        part |= change
    if edges.sum() < FEWEST_EDGE_PIXELS or edges.all() or gradient[~edges].mean() == 0:
        return None
    return float(gradient[edges].mean() / gradient[~edges].mean())
