"""Concrete, asphalt and plaster without damage: texture, color, and light that varies over the photo."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from pipeline.sample_data.textures import smooth_noise

TILE = 1024


def paint_surface(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Paints an undamaged surface.

    Args:
        size: Height and width in pixels.
        rng: Source of all variation.

    Returns:
        Colors, float32 [height, width, 3], about 0 to 1.
    """
    kind = ("concrete", "asphalt", "plaster")[int(rng.integers(3))]
    tile, contrast, colors = TILES[kind](), CONTRASTS[kind] * rng.uniform(0.7, 1.3), COLORS[kind]
    first, second = (np.array(colors[int(rng.integers(len(colors)))], np.float32) / 255 for _ in range(2))
    clouds = smooth_noise(rng, size, rng.uniform(200, 700)) + 0.4 * smooth_noise(rng, size, 50)
    mix = np.clip(0.3 + 0.35 * clouds, 0.0, 1.0)
    light = 1.0 + contrast * _laid_out(tile, size, rng)
    light *= 1.0 + rng.uniform(0.03, 0.10) * clouds
    rgb = np.empty((*size, 3), np.float32)
    for channel in range(3):
        np.multiply(mix, second[channel] - first[channel], out=rgb[..., channel])
        rgb[..., channel] += first[channel]
        rgb[..., channel] *= light
    return rgb


def _laid_out(tile: np.ndarray, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Repeats a tile over the photo, shifted, turned and mirrored; float32 [height, width]."""
    shifted = np.roll(tile, tuple(rng.integers(0, TILE, 2)), axis=(0, 1))
    turned = np.rot90(shifted[:, ::-1] if rng.integers(2) else shifted, int(rng.integers(4)))
    repeats = (-(-size[0] // TILE), -(-size[1] // TILE))
    return np.tile(turned, repeats)[: size[0], : size[1]]


def _blurred_noise(seed: int, radius: float) -> np.ndarray:
    """Noise of standard deviation 1 that repeats without seams, with features about `radius` wide."""
    noise = np.random.default_rng(seed).standard_normal((TILE, TILE)).astype(np.float32)
    margin = int(4 * radius) + 1
    padded = Image.fromarray(np.pad(noise * 24 + 128, margin, mode="wrap").clip(0, 255).astype(np.uint8))
    blurred = np.asarray(padded.filter(ImageFilter.GaussianBlur(radius)), np.float32)
    inner = blurred[margin:-margin, margin:-margin]
    return (inner - inner.mean()) / inner.std()


@lru_cache(maxsize=1)
def _concrete() -> np.ndarray:
    """Sand and small round pores."""
    field = 0.5 * _blurred_noise(1, 0.7) + 0.5 * _blurred_noise(2, 2.5) + 0.4 * _blurred_noise(3, 8)
    pores = np.zeros_like(field)
    rng = np.random.default_rng(4)
    for radius, number in ((1, 500), (2, 200), (3, 50)):
        for row, column in rng.integers(0, TILE, (number, 2)):
            rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
            disc = (rows**2 + columns**2 <= radius**2 + 0.5).astype(np.float32)
            at = np.ix_((row + rows.ravel()) % TILE, (column + columns.ravel()) % TILE)
            pores[at] = np.maximum(pores[at], disc)
    return (field - 5.0 * pores).astype(np.float32)


@lru_cache(maxsize=1)
def _asphalt() -> np.ndarray:
    """Stones of a few pixels in a dark binder."""
    stones = _blurred_noise(5, 2.2)
    shade = _blurred_noise(6, 4.0)
    field = np.where(stones > 0.25, 0.9 + 0.8 * shade, -0.7) + 0.5 * _blurred_noise(7, 0.8)
    return field.astype(np.float32)


@lru_cache(maxsize=1)
def _plaster() -> np.ndarray:
    """Bumps lit from one side."""
    height = _blurred_noise(8, 4.0) + 0.35 * _blurred_noise(9, 1.5)
    lit = np.roll(height, 1, 0) - height + 0.6 * (np.roll(height, 1, 1) - height)
    return (lit / lit.std()).astype(np.float32)


TILES: dict[str, Callable[[], np.ndarray]] = {
    "concrete": _concrete,
    "asphalt": _asphalt,
    "plaster": _plaster,
}
CONTRASTS = {"concrete": 0.045, "asphalt": 0.10, "plaster": 0.06}
COLORS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "concrete": ((168, 165, 158), (150, 146, 138), (186, 182, 172), (138, 138, 136), (176, 166, 148)),
    "asphalt": ((104, 104, 106), (88, 89, 93), (122, 120, 116), (112, 106, 98)),
    "plaster": ((222, 214, 196), (206, 198, 186), (214, 190, 158), (196, 202, 204), (228, 224, 216)),
}
