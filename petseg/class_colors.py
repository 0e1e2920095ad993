"""Colors for classes that are given none: easy to tell apart, and from what pictures draw beside them."""

from collections.abc import Iterable

import numpy as np

RESERVED = ("#e22953", "#000000", "#ffffff")
"""The report's color of wrong pixels, and what ignored pixels and paper look like."""

_LEVELS = np.linspace(0, 255, 9).round().astype(int)


def distinct_colors(count: int, taken: Iterable[str] = ()) -> list[str]:
    """Chooses colors one by one, each as far as possible from those before it.

    Distances are Euclidean in a space in which brightness counts as the eye sees it (Y'CbCr of Rec. 601).

    Args:
        count: Number of colors, at most 254.
        taken: Colors of other classes, as #rrggbb.

    Returns:
        Colors as #rrggbb. The first ones are the same whatever the count.
    """
    candidates = np.stack(np.meshgrid(_LEVELS, _LEVELS, _LEVELS, indexing="ij"), -1).reshape(-1, 3)
    spread = candidates.max(axis=1) - candidates.min(axis=1)
    # Grays look like a gray mask, and the darkest colors like each other.
    candidates = candidates[(spread >= 60) & (candidates.max(axis=1) >= 90)]
    positions = _as_seen(candidates)
    used = np.array([list(bytes.fromhex(color[1:])) for color in (*RESERVED, *taken)])
    nearest = np.linalg.norm(positions[:, None] - _as_seen(used), axis=2).min(axis=1)
    chosen = []
    for _ in range(count):
        best = int(np.argmax(nearest))
        chosen.append("#{:02x}{:02x}{:02x}".format(*candidates[best]))
        nearest = np.minimum(nearest, np.linalg.norm(positions - positions[best], axis=1))
    return chosen


def _as_seen(colors: np.ndarray) -> np.ndarray:
    red, green, blue = np.moveaxis(colors.astype(float), -1, 0)
    brightness = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.stack([brightness, 0.713 * (red - brightness), 0.564 * (blue - brightness)], axis=-1)
