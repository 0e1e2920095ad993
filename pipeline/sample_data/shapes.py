"""Outlines as polygons, and polygons as antialiased coverage."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLING = 3


def ellipse(cx: float, cy: float, rx: float, ry: float, angle: float = 0.0, points: int = 40) -> np.ndarray:
    """An ellipse turned by `angle` (radians) as float64 [points, 2] of x, y."""
    turn = np.linspace(0.0, 2 * np.pi, points, endpoint=False)
    x, y = rx * np.cos(turn), ry * np.sin(turn)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cx + x * cos - y * sin, cy + x * sin + y * cos], axis=1)


def rectangle(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """An upright rectangle as float64 [4, 2] of x, y."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=float)


def closed_curve(corners: list[tuple[float, float]], points: int = 8) -> np.ndarray:
    """A smooth closed curve (Catmull-Rom) through `corners`, float64 [len(corners) * points, 2]."""
    p = np.asarray(corners, dtype=float)
    return _spline(np.roll(p, 1, 0), p, np.roll(p, -1, 0), np.roll(p, -2, 0), points)


def tube(spine: list[tuple[float, float]], widths: list[float], points: int = 8) -> np.ndarray:
    """A line with round ends and a width that changes along it.

    Args:
        spine: Points that the middle of the line goes through smoothly.
        widths: Full width at each point of `spine`.
        points: Points of the curve between two points of `spine`.

    Returns:
        The outline, float64 [n, 2] of x, y.
    """
    knots = np.concatenate([np.asarray(spine, dtype=float), np.asarray(widths, dtype=float)[:, None]], axis=1)
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    curve = _spline(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], points)
    curve = np.concatenate([curve, knots[-1:]])
    middle, radius = curve[:, :2], np.maximum(curve[:, 2:], 1e-4) / 2
    along = np.gradient(middle, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    return np.concatenate(
        [
            middle + across * radius,
            _cap(middle[-1], along[-1], across[-1], radius[-1]),
            (middle - across * radius)[::-1],
            _cap(middle[0], -along[0], -across[0], radius[0]),
        ]
    )


def _cap(centre: np.ndarray, along: np.ndarray, across: np.ndarray, radius: np.ndarray) -> np.ndarray:
    turn = np.linspace(0.0, np.pi, 8)[1:-1, None]
    return centre + radius * (np.cos(turn) * across + np.sin(turn) * along)


def _spline(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray, points: int) -> np.ndarray:
    t = np.linspace(0.0, 1.0, points, endpoint=False)[None, :, None]
    a, b, c, d = (knot[:, None, :] for knot in (a, b, c, d))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return curve.reshape(-1, b.shape[-1])


def shaggy(outline: np.ndarray, depth: float, spacing: float, rng: np.random.Generator) -> np.ndarray:
    """Gives an outline tufts of hair: `depth` long, about `spacing` apart, in the outline's own units."""
    closed = np.concatenate([outline, outline[:1]])
    steps = np.linalg.norm(np.diff(closed, axis=0), axis=1)
    distance = np.concatenate([[0.0], np.cumsum(steps)])
    count = int(np.clip(distance[-1] / spacing * 2, 8, 400))
    at = np.linspace(0.0, distance[-1], count, endpoint=False)
    dense = np.stack([np.interp(at, distance, closed[:, axis]) for axis in (0, 1)], axis=1)
    along = np.roll(dense, -1, 0) - np.roll(dense, 1, 0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    outwards = np.stack([along[:, 1], -along[:, 0]], axis=1)
    if _signed_area(dense) < 0:
        outwards = -outwards
    tips = (np.arange(count) % 2) * rng.uniform(0.0, 1.0, count) * depth
    # Tufts hang down a little, as hair does.
    return dense + outwards * tips[:, None] + np.array([0.0, 0.35]) * tips[:, None]


def _signed_area(outline: np.ndarray) -> float:
    x, y = outline[:, 0], outline[:, 1]
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


@dataclass(frozen=True)
class Placement:
    """Puts a figure drawn around (0, 0), about 1 high, into a photo.

    Attributes:
        x: Position of the figure's origin, in pixels from the left.
        y: The same from the top.
        scale: Pixels for one unit of the figure.
        angle: Rotation about the origin, in radians.
        mirrored: Whether left and right are swapped.
    """

    x: float
    y: float
    scale: float
    angle: float = 0.0
    mirrored: bool = False

    def apply(self, outline: np.ndarray) -> np.ndarray:
        """Figure coordinates to pixels, both float [n, 2] of x, y."""
        x = -outline[:, 0] if self.mirrored else outline[:, 0]
        y = outline[:, 1]
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.stack(
            [self.x + self.scale * (x * cos - y * sin), self.y + self.scale * (x * sin + y * cos)], axis=1
        )


@dataclass(frozen=True)
class Coverage:
    """How much of each pixel of a window an outline covers, float32 [rows, columns] from 0 to 1."""

    rows: slice
    columns: slice
    alpha: np.ndarray


def rasterize(outline: np.ndarray, size: tuple[int, int], margin: int = 1) -> Coverage | None:
    """Draws an outline, antialiased.

    Args:
        outline: Float [n, 2] of x, y in pixels.
        size: Height and width of the photo.
        margin: Pixels around the outline to include.

    Returns:
        The part of the photo inside the outline's bounding box; None if that is outside the photo.
    """
    low = np.floor(outline.min(axis=0)).astype(int) - margin
    high = np.ceil(outline.max(axis=0)).astype(int) + margin
    left, top = max(low[0], 0), max(low[1], 0)
    right, bottom = min(high[0], size[1]), min(high[1], size[0])
    if right <= left or bottom <= top:
        return None
    width, height = int(right - left), int(bottom - top)
    canvas = Image.new("L", (width * SUPERSAMPLING, height * SUPERSAMPLING))
    corners = ((outline - (left, top)) * SUPERSAMPLING).ravel().tolist()
    ImageDraw.Draw(canvas).polygon(corners, fill=255)
    alpha = np.asarray(canvas.reduce(SUPERSAMPLING), dtype=np.float32) / 255.0
    return Coverage(slice(int(top), int(bottom)), slice(int(left), int(right)), alpha)
