"""Backgrounds: meadow, living room, sofa, carpet and garden, with objects."""

import math

import numpy as np

from pipeline.sample_data.painting import Painting, Surface
from pipeline.sample_data.shapes import closed_curve, ellipse, rectangle, shaggy
from pipeline.sample_data.textures import FUR, blend, color, hair, pick, smooth_noise, smoothstep

GREENS = ("olive", "moss", "tan", "fawn", "brown", "gray")


def paint_scene(size: tuple[int, int], rng: np.random.Generator) -> tuple[Painting, float]:
    """Paints a background without an animal.

    Args:
        size: Height and width of the photo in pixels.
        rng: Source of all variation.

    Returns:
        The painting, and the row (as a share of the height) where the floor begins.
    """
    turn = rng.uniform(0.15 * np.pi, 0.85 * np.pi)
    light = (float(np.cos(turn)), float(-np.sin(turn)))
    scene = SCENES[int(rng.integers(len(SCENES)))]
    painting = Painting(np.zeros((*size, 3), np.float32), light)
    floor = scene(painting, rng)
    for _ in range(int(rng.integers(1, 5))):
        _thing(painting, rng, floor)
    return painting, floor


def _fill(painting: Painting, top: float, bottom: float, surface: Surface) -> None:
    height, width = painting.size
    painting.begin_object()
    painting.paint(rectangle(-1, top * height, width + 1, bottom * height + 1), surface)


def cloth(size: tuple[int, int], rng: np.random.Generator, names: tuple[str, ...] = FUR) -> Surface:
    """A surface in the colors and textures that fur has too: pile, stripes, spots or patches."""
    first, second = color(pick(rng, names), rng), color(pick(rng, names), rng)
    unit = 0.5 * (size[0] + size[1])
    angle, frequency = rng.uniform(0, np.pi), rng.uniform(0.5, 1.3)
    cell = unit * rng.uniform(0.03, 0.12)
    noise = smooth_noise(rng, size, cell)
    kind = pick(rng, ("plain", "plain", "stripes", "spots", "patches"))
    gloss = rng.uniform(0.06, 0.2)
    strength = rng.uniform(0.4, 1.0)

    def surface(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        local = noise[int(y[0, 0]) : int(y[-1, 0]) + 1, int(x[0, 0]) : int(x[0, -1]) + 1]
        along = (x * math.cos(angle) + y * math.sin(angle)) / cell
        if kind == "stripes":
            weight = smoothstep(-0.2, 0.5, np.sin(2 * along + 0.8 * local))
        elif kind == "spots":
            weight = smoothstep(0.2, 0.4, local)
        elif kind == "patches":
            weight = smoothstep(-0.1, 0.1, local + 0.3 * np.sin(0.4 * along))
        else:
            weight = 0.25 + 0.25 * local
        shade = (1.0 + gloss * hair(y, x, angle + 1.2, frequency) + 0.05 * local)[..., None]
        return blend(first, second, strength * weight) * shade

    return surface


def _grass(size: tuple[int, int], rng: np.random.Generator) -> Surface:
    first, second = color(pick(rng, GREENS), rng), color(pick(rng, GREENS), rng)
    noise = smooth_noise(rng, size, 0.15 * size[0])
    lean, frequency = rng.uniform(1.2, 1.9), rng.uniform(0.4, 1.0)

    def surface(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        local = noise[int(y[0, 0]) : int(y[-1, 0]) + 1, int(x[0, 0]) : int(x[0, -1]) + 1]
        blades = hair(y, x, lean, frequency)
        return blend(first, second, 0.5 + 0.4 * local) * (1.0 + 0.28 * blades)[..., None]

    return surface


def _boards(size: tuple[int, int], rng: np.random.Generator) -> Surface:
    wood = color(pick(rng, ("fawn", "tan", "brown", "chocolate", "gray", "orange", "cream")), rng)
    board = size[0] * rng.uniform(0.07, 0.14)
    tones = rng.uniform(0.88, 1.1, 64).astype(np.float32)

    def surface(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        number = (y / board).astype(np.int32)
        gap = 1.0 - 0.4 * (np.abs(y / board - number) < 0.04).astype(np.float32)
        grain = hair(y, x + 40.0 * number, 0.0, 0.6)
        return wood * (tones[number % 64] * gap * (1.0 + 0.12 * grain))[..., None]

    return surface


def _sky(size: tuple[int, int], rng: np.random.Generator) -> Surface:
    high, low = (
        color(pick(rng, ("sky", "blue", "silver", "gray")), rng),
        color(pick(rng, ("white", "cream", "sky", "fawn")), rng),
    )
    clouds = smooth_noise(rng, size, 0.2 * size[0])

    def surface(y: np.ndarray, x: np.ndarray) -> np.ndarray:
        local = clouds[int(y[0, 0]) : int(y[-1, 0]) + 1, int(x[0, 0]) : int(x[0, -1]) + 1]
        sky = blend(high, low, np.broadcast_to(y / (0.7 * size[0]), local.shape))
        return blend(sky, color("white"), 0.5 * smoothstep(0.1, 0.7, local))

    return surface


def _meadow(painting: Painting, rng: np.random.Generator) -> float:
    height, width = painting.size
    floor = rng.uniform(0.35, 0.6)
    _fill(painting, 0.0, 1.0, _sky(painting.size, rng))
    for _ in range(int(rng.integers(1, 4))):
        hill = ellipse(
            rng.uniform(0, width),
            (floor + 0.05) * height,
            rng.uniform(0.3, 0.7) * width,
            rng.uniform(0.08, 0.3) * height,
        )
        painting.paint(hill, _grass(painting.size, rng), relief=0.3)
    _fill(painting, floor, 1.0, _grass(painting.size, rng))
    return floor


def _garden(painting: Painting, rng: np.random.Generator) -> float:
    floor = rng.uniform(0.4, 0.62)
    _fill(
        painting, 0.0, 1.0, _boards(painting.size, rng) if rng.random() < 0.5 else cloth(painting.size, rng)
    )
    _fill(painting, floor, 1.0, _grass(painting.size, rng))
    for _ in range(int(rng.integers(2, 5))):
        _bush(painting, rng, floor)
    return floor


def _room(painting: Painting, rng: np.random.Generator) -> float:
    floor = rng.uniform(0.5, 0.72)
    _fill(painting, 0.0, 1.0, cloth(painting.size, rng))
    _fill(
        painting,
        floor - 0.025,
        floor,
        lambda y, x: color("white") * np.ones((len(y), x.shape[1], 1), np.float32),
    )
    _fill(
        painting, floor, 1.0, _boards(painting.size, rng) if rng.random() < 0.6 else cloth(painting.size, rng)
    )
    return floor


def _sofa(painting: Painting, rng: np.random.Generator) -> float:
    height, width = painting.size
    _fill(painting, 0.0, 1.0, cloth(painting.size, rng))
    cover, seat = cloth(painting.size, rng), rng.uniform(0.52, 0.7)
    top = rng.uniform(0.1, 0.3)
    painting.begin_object()
    cushions = int(rng.integers(2, 4))
    for number in range(cushions):
        left, right = number * width / cushions, (number + 1) * width / cushions
        painting.paint(_cushion(left, top * height, right, (seat + 0.05) * height), cover, relief=0.8)
    painting.paint(_cushion(-0.1 * width, seat * height, 1.1 * width, 1.2 * height), cover, relief=0.6)
    return seat


def _carpet(painting: Painting, rng: np.random.Generator) -> float:
    _fill(painting, 0.0, 1.0, cloth(painting.size, rng))
    if rng.random() < 0.5:
        height, width = painting.size
        rug = ellipse(
            width * rng.uniform(0.3, 0.7),
            height * rng.uniform(0.5, 0.8),
            width * rng.uniform(0.3, 0.6),
            height * rng.uniform(0.2, 0.4),
        )
        painting.paint(rug, cloth(painting.size, rng), relief=0.2)
    return 0.2


SCENES = (_meadow, _garden, _room, _room, _sofa, _carpet)


def _cushion(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """A box with swollen sides."""
    w, h = right - left, bottom - top
    ring = [
        (0.03, 0.04),
        (0.5, 0.0),
        (0.97, 0.04),
        (1.0, 0.5),
        (0.97, 0.96),
        (0.5, 1.0),
        (0.03, 0.96),
        (0.0, 0.5),
    ]
    return closed_curve([(left + u * w, top + v * h) for u, v in ring])


def _bush(painting: Painting, rng: np.random.Generator, floor: float) -> None:
    height, width = painting.size
    wide = width * rng.uniform(0.08, 0.2)
    ball = ellipse(
        rng.uniform(0, width), height * (floor + rng.uniform(-0.06, 0.1)), wide, wide * rng.uniform(0.6, 1.1)
    )
    painting.begin_object()
    painting.paint(shaggy(ball, 0.1 * wide, 0.12 * wide, rng), _grass(painting.size, rng), relief=0.8)


def _thing(painting: Painting, rng: np.random.Generator, floor: float) -> None:
    """A ball, box, cushion or heap of blanket, in fur's colors."""
    height, width = painting.size
    unit = min(height, width) * rng.uniform(0.08, 0.24)
    x, y = rng.uniform(0, width), height * rng.uniform(floor, 1.0)
    surface = cloth(painting.size, rng)
    painting.cast_shadow(ellipse(x, y, unit, 0.2 * unit), 0.12 * unit, 0.45)
    painting.begin_object()
    kind = pick(rng, ("ball", "box", "cushion", "heap", "rod"))
    if kind == "ball":
        painting.paint(ellipse(x, y - 0.6 * unit, 0.6 * unit, 0.6 * unit), surface, relief=1.0)
    elif kind == "box":
        painting.paint(rectangle(x - 0.8 * unit, y - unit, x + 0.6 * unit, y), surface, relief=0.4)
        side = np.array(
            [
                [x + 0.6 * unit, y - unit],
                [x + unit, y - 1.2 * unit],
                [x + unit, y - 0.25 * unit],
                [x + 0.6 * unit, y],
            ]
        )
        painting.paint(side, lambda rows, columns: 0.7 * surface(rows, columns))
    elif kind == "cushion":
        painting.paint(_cushion(x - unit, y - 1.2 * unit, x + unit, y), surface, relief=0.9)
    elif kind == "rod":
        painting.paint(rectangle(x - 0.12 * unit, y - 3.0 * unit, x + 0.12 * unit, y), surface, relief=0.7)
    else:
        bumps = [(-1.2, -0.1), (-0.8, -0.6), (-0.2, -0.5), (0.2, -0.9), (0.8, -0.6), (1.2, -0.1), (0.0, 0.05)]
        heap = closed_curve([(x + u * unit, y + v * unit * rng.uniform(0.8, 1.2)) for u, v in bumps])
        painting.paint(shaggy(heap, 0.06 * unit, 0.1 * unit, rng), surface, relief=0.9)
