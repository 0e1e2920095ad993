"""What is on a surface and is no damage: joints, stains, spots, pebbles, cables, scratches and paint."""

import math

import numpy as np
from PIL import Image, ImageFilter

from pipeline.sample_data.cracks.damage import Light, blob
from pipeline.sample_data.shapes import closed_curve, rasterize, rectangle, tube
from pipeline.sample_data.textures import smooth_noise

LEAVES = ((142, 120, 58), (108, 98, 52), (150, 88, 46), (94, 104, 60))
PAINTS = ((232, 230, 222), (226, 194, 74), (222, 224, 226))


def paint_below(rgb: np.ndarray, rng: np.random.Generator) -> None:
    """Paints what cracks run through: stains, water marks, joints and painted lines."""
    for painter, mean in ((_stain, 2.0), (_streak, 2.0), (_joints, 0.6), (_painted_line, 0.25)):
        for _ in range(int(rng.poisson(mean))):
            painter(rgb, rng)


def paint_above(rgb: np.ndarray, light: Light, rng: np.random.Generator) -> np.ndarray:
    """Paints what lies on top of cracks; returns bool [height, width] of what it hides."""
    hidden = np.zeros(rgb.shape[:2], bool)
    painters = ((_spot, 6.0), (_pebble, 5.0), (_leaf, 1.2), (_cable, 0.25))
    for painter, mean in painters:
        for _ in range(int(rng.poisson(mean))):
            painter(rgb, light, rng, hidden)
    for _ in range(int(rng.poisson(2.0))):
        _scratch(rgb, rng)
    return hidden


def _somewhere(rgb: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """A point x, y of the photo."""
    return rng.uniform(0, rgb.shape[1]), rng.uniform(0, rgb.shape[0])


def _multiply(rgb: np.ndarray, outline: np.ndarray, factor: np.ndarray | float, soft: float = 0.0) -> None:
    """Multiplies the colors below an outline, whose edge is blurred over `soft` pixels."""
    window = rasterize(outline, (rgb.shape[0], rgb.shape[1]), margin=int(3 * soft) + 2)
    if window is None:
        return
    alpha = window.alpha
    if soft:
        image = Image.fromarray((alpha * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(soft))
        alpha = np.asarray(image, np.float32) / 255.0
    weight = alpha[..., None]
    rgb[window.rows, window.columns] *= 1.0 + weight * (np.asarray(factor, np.float32) - 1.0)


def _stain(rgb: np.ndarray, rng: np.random.Generator) -> None:
    """A damp, oily or rusty patch with a soft edge."""
    x, y = _somewhere(rgb, rng)
    tint = ((0.72, 0.71, 0.70), (0.88, 0.76, 0.62), (0.62, 0.60, 0.58), (1.12, 1.12, 1.10))
    outline = blob(x, y, rng.uniform(40, 260), rng)
    _multiply(rgb, outline, np.array(tint[int(rng.integers(len(tint)))], np.float32), rng.uniform(8, 30))


def _streak(rgb: np.ndarray, rng: np.random.Generator) -> None:
    """A mark of water that has run down."""
    x, y = _somewhere(rgb, rng)
    length, wide = rng.uniform(150, 900), rng.uniform(8, 50)
    spine = [(x + rng.normal(0, 8), y + length * part) for part in (0.0, 0.35, 0.7, 1.0)]
    outline = tube(spine, [0.6 * wide, wide, 0.8 * wide, 0.2 * wide])
    _multiply(rgb, outline, rng.uniform(0.78, 0.95), 0.25 * wide)


def _joints(rgb: np.ndarray, rng: np.random.Generator) -> None:
    """Straight sawn joints, or the marks of boards: as dark as cracks, but even in width and direction."""
    height, width = rgb.shape[:2]
    angle = rng.choice((0.0, math.pi / 2)) + rng.normal(0.0, 0.08)
    wide, dark = rng.uniform(3.0, 9.0), rng.uniform(0.4, 0.75)
    along = np.array([math.cos(angle), math.sin(angle)]) * 1.5 * (height + width)
    across = np.array([-math.sin(angle), math.cos(angle)])
    first, gap = np.array(_somewhere(rgb, rng)), rng.uniform(350, 900)
    for number in range(int(rng.integers(1, 4))):
        middle = first + number * gap * across
        ends = (middle - along, middle + along)
        outline = np.array(
            [*(end - across * wide / 2 for end in ends), *(end + across * wide / 2 for end in ends[::-1])]
        )
        lit = outline + across * wide * 0.7
        _multiply(rgb, _clipped(lit, width, height), 1.08)
        _multiply(rgb, _clipped(outline, width, height), dark)


def _clipped(outline: np.ndarray, width: int, height: int) -> np.ndarray:
    """The part of a convex outline inside the photo and a margin, so that its window is not larger."""
    points = outline
    for axis, limit, sign in ((0, -8.0, 1), (0, width + 8.0, -1), (1, -8.0, 1), (1, height + 8.0, -1)):
        kept = []
        for here, there in zip(points, np.roll(points, -1, axis=0), strict=True):
            inside = sign * (here[axis] - limit), sign * (there[axis] - limit)
            if inside[0] >= 0:
                kept.append(here)
            if inside[0] * inside[1] < 0:
                kept.append(here + (there - here) * (inside[0] / (inside[0] - inside[1])))
        if not kept:
            return rectangle(-40, -40, -30, -30)
        points = np.array(kept)
    return points


def _painted_line(rgb: np.ndarray, rng: np.random.Generator) -> None:
    """A wide worn line of paint."""
    height, width = rgb.shape[:2]
    x, wide = rng.uniform(0, width), rng.uniform(50, 140)
    lean = rng.normal(0, 200)
    outline = np.array([[x, -5], [x + wide, -5], [x + wide + lean, height + 5], [x + lean, height + 5]])
    window = rasterize(outline, (height, width))
    if window is None:
        return
    under = rgb[window.rows, window.columns]
    worn = smooth_noise(rng, under.shape[:2], 9) + smooth_noise(rng, under.shape[:2], 40)
    weight = window.alpha * np.clip(0.8 + 0.6 * worn, 0.1, 0.92)
    color = np.array(PAINTS[int(rng.integers(len(PAINTS)))], np.float32) / 255.0
    under += (color - under) * weight[..., None]


def _cover(
    rgb: np.ndarray, outline: np.ndarray, color: np.ndarray, hidden: np.ndarray, relief: float, light: Light
) -> None:
    """Covers the surface with one color, round by `relief`, with a shadow beside it."""
    size = (rgb.shape[0], rgb.shape[1])
    if relief:
        _multiply(rgb, outline - 5.0 * relief * np.array([light[1], light[0]]), 0.6, 1.5)
    window = rasterize(outline, size, margin=2)
    if window is None:
        return
    at = (window.rows, window.columns)
    soft = Image.fromarray((window.alpha * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(2.0))
    slope_y, slope_x = np.gradient(np.asarray(soft, np.float32) / 255.0)
    shade = 1.0 - 2.5 * relief * (slope_y * light[0] + slope_x * light[1])
    rgb[at] += (color * shade[..., None] - rgb[at]) * window.alpha[..., None]
    hidden[at] |= window.alpha > 0.5


def _spot(rgb: np.ndarray, light: Light, rng: np.random.Generator, hidden: np.ndarray) -> None:
    """Chewing gum, mortar or a drop of oil: as large and as dark as spalling, but smooth and flat."""
    x, y = _somewhere(rgb, rng)
    outline = blob(x, y, rng.uniform(6.0, 28.0), rng)
    here = rgb[min(int(y), rgb.shape[0] - 1), min(int(x), rgb.shape[1] - 1)]
    _cover(rgb, outline, here * rng.uniform(0.6, 1.15), hidden, 0.0, light)


def _pebble(rgb: np.ndarray, light: Light, rng: np.random.Generator, hidden: np.ndarray) -> None:
    """A small stone: round where spalling is hollow."""
    x, y = _somewhere(rgb, rng)
    color = np.full(3, rng.uniform(0.3, 0.75), np.float32) * rng.normal(1.0, 0.04, 3).astype(np.float32)
    _cover(rgb, blob(x, y, rng.uniform(4.0, 15.0), rng), color, hidden, 1.0, light)


def _leaf(rgb: np.ndarray, light: Light, rng: np.random.Generator, hidden: np.ndarray) -> None:
    x, y = _somewhere(rgb, rng)
    length, wide, turn = rng.uniform(40, 110), rng.uniform(14, 40), rng.uniform(0, 2 * np.pi)
    bend = rng.normal(0, 0.15 * length)
    corners = [(-length / 2, 0.0), (0.0, wide / 2 + bend), (length / 2, 0.0), (0.0, bend - wide / 2)]
    cos, sin = math.cos(turn), math.sin(turn)
    outline = closed_curve([(x + a * cos - b * sin, y + a * sin + b * cos) for a, b in corners])
    color = np.array(LEAVES[int(rng.integers(len(LEAVES)))], np.float32) / 255.0
    _cover(rgb, outline, color * rng.uniform(0.8, 1.2), hidden, 0.5, light)


def _scratch(rgb: np.ndarray, rng: np.random.Generator) -> None:
    """A straight scratch, light or dark, thinner than a crack."""
    x, y = _somewhere(rgb, rng)
    turn, length = rng.uniform(0, 2 * np.pi), rng.uniform(80, 500)
    end = (x + length * math.cos(turn), y + length * math.sin(turn))
    middle = ((x + end[0]) / 2 + rng.normal(0, 4), (y + end[1]) / 2 + rng.normal(0, 4))
    wide = rng.uniform(1.0, 2.2)
    _multiply(rgb, tube([(x, y), middle, end], [0.5, wide, 0.5]), rng.choice((0.85, 1.18, 1.25)))


def _cable(rgb: np.ndarray, light: Light, rng: np.random.Generator, hidden: np.ndarray) -> None:
    """A dark cable with a bright line along it and a shadow beside it: smooth where cracks are jagged."""
    height, width = rgb.shape[:2]
    wide = rng.uniform(7.0, 13.0)
    rows = rng.uniform(0, height, 4)
    spine = [
        (column, row) for column, row in zip((-20, 0.35 * width, 0.7 * width, width + 20), rows, strict=True)
    ]
    outline = tube(spine, [wide] * 4, points=16)
    color = np.full(3, rng.uniform(0.12, 0.3), np.float32)
    _cover(rgb, outline, color, hidden, 1.0, light)
