"""Noise, hair, weave and wood: fields of brightness, and the colors that pets and rooms share."""

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

# One palette for fur and for walls, carpets, sofas and toys, so that color does not tell them apart.
COLORS: dict[str, tuple[int, int, int]] = {
    "black": (38, 35, 36),
    "charcoal": (74, 70, 70),
    "gray": (128, 124, 122),
    "blue": (112, 121, 134),
    "silver": (176, 173, 168),
    "white": (236, 231, 222),
    "cream": (226, 205, 170),
    "fawn": (203, 168, 124),
    "tan": (184, 136, 88),
    "orange": (208, 128, 58),
    "red": (164, 84, 44),
    "brown": (124, 84, 54),
    "chocolate": (82, 54, 40),
    "pink": (214, 168, 152),
    "olive": (124, 132, 78),
    "moss": (92, 110, 62),
    "sky": (164, 188, 206),
}
FUR = (
    "black",
    "charcoal",
    "gray",
    "blue",
    "silver",
    "white",
    "cream",
    "fawn",
    "tan",
    "orange",
    "red",
    "brown",
    "chocolate",
)

_TILE = 512


def color(name: str, rng: np.random.Generator | None = None, spread: float = 0.05) -> np.ndarray:
    """A color of the palette, varied a little where a generator is given; float32 [3], 0 to 1."""
    rgb = np.array(COLORS[name], dtype=np.float32) / 255.0
    if rng is None:
        return rgb
    varied = rgb * rng.uniform(1 - 2 * spread, 1 + 2 * spread) * rng.normal(1.0, spread / 2, 3)
    return np.clip(varied, 0.02, 0.98).astype(np.float32)


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], cell: float) -> np.ndarray:
    """Smooth noise with features about `cell` pixels wide; float32 [height, width], about -1 to 1."""
    grid = (max(2, round(size[0] / cell) + 1), max(2, round(size[1] / cell) + 1))
    coarse = Image.fromarray(rng.uniform(-1.0, 1.0, grid).astype(np.float32))
    return np.asarray(coarse.resize((size[1], size[0]), Image.Resampling.BICUBIC))


@lru_cache(maxsize=2)
def _hair_tile(blur: int) -> np.ndarray:
    """A tile of horizontal hairs that repeats without seams; float32, about -1 to 1."""
    noise = np.random.default_rng(20).standard_normal((_TILE, _TILE)).astype(np.float32)
    total = np.zeros_like(noise)
    for shift in range(blur):
        total += np.roll(noise, shift, axis=1) * math.sin(math.pi * (shift + 0.5) / blur)
    total += 0.5 * np.roll(total, 1, axis=0)
    return np.clip(total / (2.2 * total.std()), -1.0, 1.0)


def hair(y: np.ndarray, x: np.ndarray, angle: float, frequency: float, blur: int = 14) -> np.ndarray:
    """Hairs along `angle`, at pixel coordinates `y` and `x` (broadcast); float32, about -1 to 1.

    Args:
        y: Rows in pixels.
        x: Columns in pixels.
        angle: Direction of the hairs, radians.
        frequency: Hairs in a pixel; below 1 they are coarser than a pixel.
        blur: Length of a hair in hair widths.
    """
    cos, sin = math.cos(angle) * frequency, math.sin(angle) * frequency
    along = (x * cos + y * sin).astype(np.int32) % _TILE
    across = (y * cos - x * sin).astype(np.int32) % _TILE
    return _hair_tile(blur)[across, along]


def blend(first: np.ndarray, second: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`first` where `weight` is 0, `second` where it is 1; colors float [3], weight [height, width]."""
    return first + (second - first) * weight[..., None]


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def pick(rng: np.random.Generator, names: Sequence[str]) -> str:
    """One of `names`."""
    return names[int(rng.integers(len(names)))]
