"""Cracks of 2 to 6 pixels, and patches of 10 to 60 pixels where the surface has broken off."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from pipeline.sample_data.shapes import closed_curve, rasterize
from pipeline.sample_data.textures import smooth_noise

NARROWEST, WIDEST = 2.0, 6.0
STEP = 7.0
# Cracks are drawn this much larger and averaged, so that their edges are smooth.
SUPERSAMPLING = 2

Light = tuple[float, float]
"""Direction that the light comes from, rows and columns, length 1."""


def paint_cracks(rgb: np.ndarray, light: Light, rng: np.random.Generator) -> np.ndarray:
    """Paints cracks with branches.

    Args:
        rgb: Colors, float32 [height, width, 3]; changed.
        light: Where the light comes from.
        rng: Source of all variation.

    Returns:
        Bool [height, width]: where a crack covers most of the pixel.
    """
    height, width = rgb.shape[:2]
    canvas = Image.new("L", (width * SUPERSAMPLING, height * SUPERSAMPLING))
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(rng.integers(3, 9))):
        start = rng.uniform((0, 0), (width, height))
        angle = rng.uniform(0, 2 * np.pi)
        _draw_crack(draw, start, angle, rng.uniform(500, 2200), rng.uniform(3.0, WIDEST), rng, branches=3)
    covered = np.asarray(canvas.reduce(SUPERSAMPLING))
    depth = rng.uniform(0.45, 0.7) * (1.0 + 0.15 * smooth_noise(rng, (height, width), 160))
    shade = np.multiply(covered, 1.0 / 255.0, dtype=np.float32)
    # The edge that faces the light is bright.
    rows, columns = (int(np.sign(part)) for part in light)
    rim = np.clip(np.roll(shade, (-rows, -columns), (0, 1)) - shade, 0.0, 1.0)
    factor = 1.0 - depth * shade + 0.12 * rim
    for channel in range(3):
        rgb[..., channel] *= factor
    return covered > 127


def _draw_crack(
    draw: ImageDraw.ImageDraw,
    start: np.ndarray,
    angle: float,
    length: float,
    width: float,
    rng: np.random.Generator,
    branches: int,
) -> None:
    """Draws a jagged line that narrows to its end, and its branches."""
    steps = max(4, int(length / STEP))
    # A crack holds its direction on the whole, and turns sharply from step to step.
    drift = np.cumsum(rng.normal(0.0, 0.06, steps))
    jitter = rng.normal(0.0, 0.45, steps)
    turns = angle + drift + jitter
    points = start + STEP * np.cumsum(np.stack([np.cos(turns), np.sin(turns)], axis=1), axis=0)
    knots = np.arange(0, steps + 5, 5)
    wobble = np.interp(np.arange(steps), knots, rng.normal(1.0, 0.25, len(knots)))
    widths = np.clip(width * wobble * np.linspace(1.0, 0.5, steps), NARROWEST, WIDEST)
    for (x0, y0), (x1, y1), wide in zip(points[:-1], points[1:], widths, strict=False):
        _draw_segment(draw, x0, y0, x1, y1, wide)
    for _ in range(int(rng.integers(0, branches + 1))):
        at = int(rng.integers(steps // 5, steps))
        turn = drift[at] + angle + rng.choice((-1, 1)) * rng.uniform(0.5, 1.2)
        share = rng.uniform(0.15, 0.5)
        _draw_crack(draw, points[at], turn, length * share, 0.7 * widths[at], rng, max(branches - 2, 0))


def _draw_segment(
    draw: ImageDraw.ImageDraw, x0: float, y0: float, x1: float, y1: float, width: float
) -> None:
    s, radius = SUPERSAMPLING, 0.5 * width * SUPERSAMPLING
    length = math.hypot(x1 - x0, y1 - y0)
    dx, dy = -(y1 - y0) / length * radius, (x1 - x0) / length * radius
    x0, y0, x1, y1 = x0 * s, y0 * s, x1 * s, y1 * s
    draw.polygon([(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)], fill=255)
    draw.ellipse([x1 - radius, y1 - radius, x1 + radius, y1 + radius], fill=255)


def paint_spalling(rgb: np.ndarray, cracks: np.ndarray, light: Light, rng: np.random.Generator) -> np.ndarray:
    """Paints craters with rough stone inside, most of them beside a crack.

    Args:
        rgb: Colors, float32 [height, width, 3]; changed.
        cracks: Bool [height, width].
        light: Where the light comes from.
        rng: Source of all variation.

    Returns:
        Bool [height, width]: where the surface has broken off.
    """
    size = (rgb.shape[0], rgb.shape[1])
    broken = np.zeros(size, bool)
    at_crack = np.argwhere(cracks[::8, ::8]) * 8
    number = 0 if rng.random() < 0.15 else int(rng.integers(3, 16))
    for _ in range(number):
        if len(at_crack) and rng.random() < 0.6:
            row, column = at_crack[int(rng.integers(len(at_crack)))] + rng.normal(0.0, 12.0, 2)
        else:
            row, column = rng.uniform((0, 0), size)
        outline = blob(column, row, rng.uniform(6.5, 28.0), rng)
        window = rasterize(outline, size, margin=6)
        if window is None:
            continue
        at = (window.rows, window.columns)
        paint_hollow(rgb[at], window.alpha, light, rng)
        broken[at] |= window.alpha > 0.5
    return broken


def blob(x: float, y: float, radius: float, rng: np.random.Generator) -> np.ndarray:
    """An irregular closed outline about `2 * radius` wide, float64 [n, 2] of x, y."""
    turns = np.linspace(0.0, 2 * np.pi, 9, endpoint=False)
    radii = radius * rng.uniform(0.65, 1.1, 9)
    stretch, turned = rng.uniform(0.7, 1.0), rng.uniform(0, np.pi)
    across, along = radii * np.cos(turns), stretch * radii * np.sin(turns)
    xs = x + across * math.cos(turned) - along * math.sin(turned)
    ys = y + across * math.sin(turned) + along * math.cos(turned)
    return closed_curve(list(zip(xs, ys, strict=True)), points=5)


def paint_hollow(rgb: np.ndarray, alpha: np.ndarray, light: Light, rng: np.random.Generator) -> None:
    """Paints a crater into a window: stones inside, a shadow below the edge near the light.

    Args:
        rgb: Colors of the window, float32 [h, w, 3]; changed.
        alpha: How much of each pixel is broken off, float32 [h, w].
        light: Where the light comes from.
        rng: Source of all variation.
    """
    stones = rng.standard_normal(alpha.shape, np.float32)
    image = Image.fromarray((stones * 40 + 128).clip(0, 255).astype(np.uint8))
    stones = np.asarray(image.filter(ImageFilter.GaussianBlur(1.2)), np.float32) - 128.0
    stones /= max(float(stones.std()), 1e-3)
    shade = rng.uniform(0.75, 1.1) * (1.0 + 0.22 * stones)
    wide = Image.fromarray((alpha * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2.0))
    slope_y, slope_x = np.gradient(np.asarray(wide, np.float32) / 255.0)
    # The floor lies deeper than the surface, so the slope that faces the light is the far one.
    shade -= 3.2 * (slope_y * light[0] * -1 + slope_x * light[1] * -1)
    rgb *= (1.0 + alpha * (np.clip(shade, 0.25, 1.5) - 1.0))[..., None]
