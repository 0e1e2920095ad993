"""Cats and dogs: sitting, standing, lying, curled up, or only the face."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.sample_data.painting import Painting
from pipeline.sample_data.pets.breeds import Breed
from pipeline.sample_data.pets.coats import Coat
from pipeline.sample_data.pets.figure import Figure
from pipeline.sample_data.pets.heads import draw_head
from pipeline.sample_data.shapes import Placement, closed_curve, ellipse, tube

DOWN, UP = np.pi / 2, -np.pi / 2


def draw_animal(painting: Painting, breed: Breed, rng: np.random.Generator, floor: float) -> None:
    """Draws one animal; `painting.silhouette` is then its coverage.

    Args:
        painting: The photo, its background painted.
        breed: What to draw.
        rng: Source of all variation.
        floor: Highest row, as a share of the height, that the animal may stand on.
    """
    pose = POSES[int(rng.choice(len(POSES), p=[pose.frequency for pose in POSES]))]
    height, width = painting.size
    scale = float(
        min(height * rng.uniform(*pose.heights) / pose.height, width * rng.uniform(0.8, 1.0) / pose.width)
    )
    room = max(0.5 * (width - 0.92 * scale * pose.width), 0.04 * width)
    ground = height * (1.02 if pose.close else rng.uniform(max(floor + 0.08, 0.72), 0.97))
    placement = Placement(
        x=width / 2 + rng.uniform(-room, room),
        y=max(ground, min(0.99 * height, scale * pose.height)),
        scale=scale,
        angle=rng.uniform(-0.08, 0.08),
        mirrored=bool(rng.random() < 0.5),
    )
    coat = Coat.of(breed, painting.size, placement, rng)
    if not pose.close:
        painting.cast_shadow(placement.apply(ellipse(0.02, -0.01, 0.5 * pose.width, 0.06)), 0.05 * scale, 0.5)
    painting.begin_object()
    pose.draw(Figure(painting, coat, placement, rng, asleep=pose.sleepy and rng.random() < 0.7))


def _tail(figure: Figure, spine: list[tuple[float, float]]) -> None:
    cat = figure.breed.species == "cat"
    wide = (0.07 if cat else 0.06) + 0.09 * figure.breed.hair
    widths = np.linspace(1.0, 0.75 if cat else 0.35, len(spine)) * wide
    figure.fur(tube(spine, widths.tolist()), "tail", 0.0)


def _paw(figure: Figure, x: float, y: float, wide: float = 0.075) -> None:
    figure.fur(ellipse(x, y - 0.03, wide, 0.045), "paw", DOWN, relief=0.7, tufts=False)
    for toe in (-0.35, 0.35):
        line = tube([(x + toe * wide, y - 0.035), (x + toe * wide, y - 0.005)], [0.008, 0.008])
        figure.flat(line, 0.35 * figure.coat.base, opacity=0.6)


def _leg(
    figure: Figure,
    top: tuple[float, float],
    knee: tuple[float, float],
    foot: tuple[float, float],
    wide: float,
) -> None:
    figure.fur(tube([top, knee, foot], [1.3 * wide, wide, 0.8 * wide]), "leg", DOWN)
    _paw(figure, foot[0] + 0.015, foot[1] + 0.03, 0.62 * wide)


def _sitting(figure: Figure) -> None:
    rng, stout = figure.rng, figure.rng.uniform(0.9, 1.15)
    curl = rng.uniform(0.0, 0.3)
    _tail(
        figure,
        [
            (0.16, -0.08),
            (0.36, -0.05),
            (0.46 + 0.1 * curl, -0.16 - 0.4 * curl),
            (0.40 + 0.2 * curl, -0.26 - curl),
        ],
    )
    w = 0.27 * stout
    torso = [(0.0, -0.68), (0.6 * w, -0.60), (0.85 * w, -0.32), (w, -0.08), (0.6 * w, 0.0)]
    figure.fur(closed_curve(torso + [(-u, v) for u, v in torso[:0:-1]]), "body", DOWN)
    for side in (-1, 1):
        figure.fur(ellipse(side * 0.92 * w, -0.13, 0.12, 0.14), "body", DOWN)
        _paw(figure, side * 1.02 * w, 0.0, 0.095)
    figure.fur(
        closed_curve([(0.0, -0.62), (0.11, -0.48), (0.06, -0.26), (-0.06, -0.26), (-0.11, -0.48)]),
        "chest",
        DOWN,
        relief=0.4,
    )
    for side in (-1, 1):
        _leg(figure, (side * 0.10, -0.40), (side * 0.085, -0.20), (side * 0.085, -0.04), 0.105)
    draw_head(figure, rng.uniform(-0.05, 0.05), -0.80, 0.225 * rng.uniform(0.92, 1.1))


def _standing(figure: Figure) -> None:
    rng = figure.rng
    cat = figure.breed.species == "cat"
    leg = rng.uniform(0.85, 1.05) * (
        0.75 if figure.breed.name in ("basset_hound", "scottish_terrier") else 1.0
    )
    back, stride = -0.34 * leg - 0.20, rng.uniform(0.02, 0.10)
    wag = rng.uniform(0.0, 1.0)
    if cat:
        _tail(
            figure,
            [
                (-0.38, back),
                (-0.54, back - 0.06),
                (-0.60 + 0.1 * wag, back - 0.28),
                (-0.66 + 0.26 * wag, back - 0.44),
            ],
        )
    else:
        _tail(
            figure,
            [(-0.38, back - 0.02), (-0.52, back - 0.10 * wag), (-0.58 + 0.1 * wag, back - 0.30 * wag + 0.06)],
        )
    for x, step in ((-0.26, -stride), (0.22, stride)):
        _leg(figure, (x, back + 0.12), (x + 0.5 * step - 0.01, -0.20 * leg), (x + 1.4 * step, -0.05), 0.10)
    trunk = [(-0.42, back - 0.02), (-0.20, back - 0.15), (0.12, back - 0.15), (0.36, back - 0.12)]
    trunk += [(0.40, back + 0.08), (0.10, back + 0.19), (-0.14, back + 0.15), (-0.38, back + 0.14)]
    figure.fur(closed_curve(trunk), "body", 0.0)
    for x, step in ((-0.33, stride), (0.30, -stride)):
        _leg(figure, (x, back + 0.08), (x + 0.5 * step - 0.01, -0.20 * leg), (x + 1.4 * step, -0.03), 0.115)
    high = rng.uniform(0.12, 0.24)
    figure.fur(
        tube([(0.28, back), (0.40, back - 0.6 * high), (0.46, back - high)], [0.27, 0.22, 0.18]),
        "chest" if figure.breed.bib else "body",
        1.0,
    )
    draw_head(figure, 0.47, back - high - 0.06, 0.195 * rng.uniform(0.92, 1.12))


def _lying(figure: Figure) -> None:
    rng = figure.rng
    long = rng.uniform(0.9, 1.1)
    _tail(figure, [(-0.44 * long, -0.10), (-0.62, -0.06), (-0.66, -0.14), (-0.56, -0.24)])
    trunk = [(-0.52 * long, -0.12), (-0.40, -0.32), (-0.08, -0.34), (0.24, -0.40), (0.44, -0.30)]
    trunk += [(0.42, -0.04), (0.05, 0.0), (-0.34, 0.0)]
    figure.fur(closed_curve(trunk), "body", 0.0)
    figure.fur(ellipse(-0.32 * long, -0.16, 0.19, 0.16, -0.3), "body", DOWN)
    _paw(figure, -0.16, 0.0, 0.12)
    for reach in (0.10, 0.0):
        paw = 0.62 + reach
        figure.fur(
            tube([(0.30, -0.10), (0.46, -0.055), (paw, -0.05 - 0.25 * reach)], [0.14, 0.11, 0.09]), "leg", 0.0
        )
        _paw(figure, paw, -0.01 - 0.25 * reach, 0.075)
    draw_head(figure, 0.38, -0.46, 0.21 * rng.uniform(0.92, 1.1))


def _curled(figure: Figure) -> None:
    rng = figure.rng
    ring = [
        (-0.50, -0.20),
        (-0.36, -0.42),
        (0.0, -0.50),
        (0.36, -0.42),
        (0.52, -0.18),
        (0.36, 0.0),
        (0.0, 0.02),
        (-0.38, -0.01),
    ]
    figure.fur(closed_curve(ring), "body", 0.3)
    figure.fur(ellipse(-0.24, -0.22, 0.20, 0.19, 0.4), "body", 0.8, relief=0.6)
    _tail(figure, [(-0.46, -0.14), (-0.30, -0.01), (0.0, 0.01), (0.24, -0.04)])
    _paw(figure, 0.10, -0.02, 0.09)
    draw_head(figure, 0.26, -0.20, 0.20 * rng.uniform(0.95, 1.1))


def _face(figure: Figure) -> None:
    rng = figure.rng
    lean = rng.uniform(-0.08, 0.08)
    shoulders = [
        (lean, -0.60),
        (0.30, -0.42),
        (0.48, -0.12),
        (0.54, 0.20),
        (-0.54, 0.20),
        (-0.48, -0.12),
        (-0.30, -0.42),
    ]
    figure.fur(closed_curve(shoulders), "body", DOWN)
    figure.fur(
        closed_curve([(0.0, -0.46), (0.20, -0.20), (0.18, 0.2), (-0.18, 0.2), (-0.20, -0.20)]),
        "chest",
        DOWN,
        relief=0.4,
    )
    draw_head(figure, lean, -0.58, 0.40 * rng.uniform(0.9, 1.05))


@dataclass(frozen=True)
class Pose:
    """One way to sit for a portrait.

    Attributes:
        draw: Paints the figure.
        frequency: Share of photos.
        height: Of the figure, in its units.
        width: The same.
        heights: Lowest and highest height as a share of the photo's.
        close: Whether the figure reaches below the photo's lower edge.
        sleepy: Whether it may be asleep.
    """

    draw: Callable[[Figure], None]
    frequency: float
    height: float
    width: float
    heights: tuple[float, float]
    close: bool = False
    sleepy: bool = False


POSES = (
    Pose(_sitting, 0.30, 1.08, 0.80, (0.70, 1.0)),
    Pose(_standing, 0.22, 0.95, 1.30, (0.65, 1.0)),
    Pose(_lying, 0.17, 0.72, 1.40, (0.50, 0.85)),
    Pose(_curled, 0.13, 0.54, 1.05, (0.40, 0.75), sleepy=True),
    Pose(_face, 0.18, 1.10, 1.10, (0.75, 1.10), close=True),
)
