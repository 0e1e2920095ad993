"""Draws a photo of a cracked surface and its mask from a seed."""

import math

import numpy as np
from PIL import Image

from pipeline.sample_data.cracks.damage import paint_cracks, paint_spalling
from pipeline.sample_data.cracks.distractors import paint_above, paint_below
from pipeline.sample_data.cracks.surfaces import paint_surface
from pipeline.sample_data.shapes import rasterize
from pipeline.sample_data.textures import smooth_noise

BACKGROUND, CRACK, SPALLING = 0, 1, 2
SIZE = (1536, 2048)
"""Height and width of every photo."""


def draw_photo(rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """Draws one surface with its damage.

    Args:
        rng: Source of all variation; the same state gives the same photo.

    Returns:
        The photo (RGB, 2048 x 1536) and its mask (L; 0 background, 1 crack, 2 spalling) of the same size.
    """
    turn = rng.uniform(0, 2 * np.pi)
    light = (math.sin(turn), math.cos(turn))
    rgb = paint_surface(SIZE, rng)
    paint_below(rgb, rng)
    cracks = paint_cracks(rgb, light, rng)
    broken = paint_spalling(rgb, cracks, light, rng)
    hidden = paint_above(rgb, light, rng)
    values = np.full(SIZE, BACKGROUND, np.uint8)
    values[cracks] = CRACK
    values[broken] = SPALLING
    values[hidden] = BACKGROUND
    return Image.fromarray(develop(rgb, rng)), Image.fromarray(values)


def develop(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Simulates light, shadow, and sensor: float32 [height, width, 3] from 0 to 1 to uint8 of the same shape.

    `rgb` is overwritten.
    """
    size = (rgb.shape[0], rgb.shape[1])
    # No automatic exposure leaves a whole surface white.
    exposure = min(rng.uniform(0.75, 1.15), 0.78 / float(rgb[::16, ::16].mean()))
    lit = exposure * (1.0 + 0.12 * smooth_noise(rng, size, 1200))
    if rng.random() < 0.4:
        lit *= 1.0 - rng.uniform(0.25, 0.5) * _shadow(size, rng)
    grain = rng.standard_normal(size, np.float32)
    grain *= rng.uniform(0.006, 0.016)
    tint = rng.normal(1.0, 0.02, 3)
    photo = np.empty(rgb.shape, np.uint8)
    for channel in range(3):
        plane = rgb[..., channel] * (lit * np.float32(tint[channel]))
        plane += grain
        np.clip(plane, 0.0, 1.0, out=plane)
        plane *= 255.0
        photo[..., channel] = plane
    return photo


def _shadow(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """The shadow of something outside the photo, with a soft edge; float32 [height, width], 0 to 1."""
    height, width = size
    x, lean = rng.uniform(0.2 * width, 0.8 * width), rng.normal(0, 500)
    outline = np.array(
        [[x, -5.0], [width + 5.0, -5.0], [width + 5.0, height + 5.0], [x + lean, height + 5.0]]
    )
    small = (height // 8, width // 8)
    shadow = np.zeros(small, np.float32)
    window = rasterize(outline / 8, small)
    if window is not None:
        shadow[window.rows, window.columns] = window.alpha
    return np.asarray(Image.fromarray(shadow).resize((width, height), Image.Resampling.BILINEAR))
