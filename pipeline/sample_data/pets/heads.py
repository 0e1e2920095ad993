"""Faces of cats and dogs that look into the camera."""

import numpy as np

from pipeline.sample_data.pets.figure import Figure
from pipeline.sample_data.shapes import closed_curve, ellipse, tube
from pipeline.sample_data.textures import pick

WHITE = np.array([0.97, 0.96, 0.94], np.float32)
DARK = np.array([0.09, 0.07, 0.07], np.float32)
PINK = np.array([0.80, 0.54, 0.52], np.float32)
TONGUE = np.array([0.84, 0.40, 0.42], np.float32)
CAT_EYES = {
    "gold": np.array([0.83, 0.66, 0.22], np.float32),
    "green": np.array([0.55, 0.68, 0.34], np.float32),
    "blue": np.array([0.42, 0.62, 0.82], np.float32),
    "copper": np.array([0.76, 0.46, 0.18], np.float32),
}
DOG_EYES = np.array([0.30, 0.17, 0.09], np.float32)


def draw_head(figure: Figure, x: float, y: float, radius: float) -> None:
    """Draws the head of the figure's breed around (x, y), about two radii high."""
    turned = figure.at(x, y, radius, tilt=figure.rng.uniform(-0.22, 0.22))
    if figure.breed.species == "cat":
        _cat_head(turned)
    else:
        _dog_head(turned)


def _cat_head(head: Figure) -> None:
    rng, breed = head.rng, head.breed
    height = rng.uniform(1.0, 1.3) * (1.15 if breed.ears == "bat" else 0.95)
    for side in (-1, 1):
        ear = [(0.30, -0.62), (0.62, -0.72 - 0.62 * height), (0.94, -0.28), (0.55, -0.30)]
        inner = [(0.42, -0.66), (0.62, -0.62 - 0.50 * height), (0.82, -0.40), (0.58, -0.42)]
        head.fur(_pointed([(side * u, v) for u, v in ear]), "ear", -np.pi / 2)
        head.flat(_pointed([(side * u, v) for u, v in inner]), 0.5 * PINK + 0.5 * head.coat.base, relief=0.3)
    cheeks = 1.08 + 0.10 * breed.hair
    face = [(0.0, -0.80), (0.62, -0.66), (cheeks, 0.08), (0.70, 0.62), (0.0, 0.84)]
    face += [(-0.70, 0.62), (-cheeks, 0.08), (-0.62, -0.66)]
    head.fur(closed_curve(face), "head", np.pi / 2)
    for side in (-1, 1):
        head.fur(ellipse(side * 0.23, 0.42, 0.30, 0.24), "muzzle", np.pi / 2, relief=0.5, tufts=False)
    head.fur(ellipse(0, 0.62, 0.20, 0.14), "muzzle", np.pi / 2, relief=0.4, tufts=False)
    _cat_eyes(head)
    nose = closed_curve([(-0.13, 0.20), (0.0, 0.17), (0.13, 0.20), (0.0, 0.33)])
    head.flat(nose, DARK + 0.1 if head.coat.base.mean() < 0.35 else PINK, relief=0.5)
    _mouth(head, 0.32, 0.13)
    for side in (-1, 1):
        for turn in (-0.20, -0.02, 0.16):
            reach = side * rng.uniform(1.25, 1.5)
            whisker = tube(
                [(side * 0.28, 0.40 + 0.3 * turn), (0.6 * reach, 0.38 + turn), (reach, 0.44 + 1.6 * turn)],
                [0.025, 0.02, 0.006],
            )
            head.flat(whisker, WHITE, opacity=0.75, belongs=False)


def _cat_eyes(head: Figure) -> None:
    rng = head.rng
    iris = CAT_EYES[pick(rng, ["blue"] if head.breed.pattern == "points" else sorted(CAT_EYES))]
    slit = rng.uniform(0.05, 0.13)
    gaze = rng.uniform(-0.05, 0.05)
    for side in (-1, 1):
        tilt = side * -0.25
        head.flat(ellipse(side * 0.42, -0.10, 0.26, 0.22, tilt), DARK)
        if head.asleep:
            head.fur(ellipse(side * 0.42, -0.14, 0.27, 0.21, tilt), "head", np.pi / 2, tufts=False)
            continue
        head.flat(ellipse(side * 0.42, -0.10, 0.225, 0.185, tilt), iris)
        head.flat(ellipse(side * 0.42 + gaze, -0.10, slit, 0.165), DARK)
        head.flat(ellipse(side * 0.42 - 0.07, -0.18, 0.055, 0.055), WHITE)


def _dog_head(head: Figure) -> None:
    rng, breed = head.rng, head.breed
    if breed.ears != "floppy":
        _dog_ears(head)
    wide = 0.86 + 0.18 * breed.hair
    skull = [(0.0, -0.84), (0.56, -0.72), (wide, -0.10), (0.62, 0.56), (0.0, 0.86)]
    skull += [(-0.62, 0.56), (-wide, -0.10), (-0.56, -0.72)]
    head.fur(closed_curve(skull), "head", np.pi / 2)
    if breed.ears == "floppy":
        _dog_ears(head)
    drop = 0.36 + 0.16 * breed.snout
    tongue = rng.random() < 0.6 and not head.asleep
    if tongue:
        lolling = tube([(0.03, drop + 0.30), (0.05, drop + 0.52), (0.07, drop + 0.66)], [0.26, 0.30, 0.22])
        head.flat(lolling, TONGUE, relief=0.6)
        head.flat(tube([(0.03, drop + 0.34), (0.06, drop + 0.58)], [0.02, 0.02]), 0.7 * TONGUE)
    jaw = 0.44 - 0.06 * breed.snout
    muzzle = [
        (0.0, drop - 0.42),
        (jaw * 0.7, drop - 0.26),
        (jaw, drop + 0.14),
        (jaw * 0.5, drop + 0.38),
        (0.0, drop + 0.32),
    ]
    muzzle += [(-u, v) for u, v in muzzle[3:0:-1]]
    head.fur(closed_curve(muzzle), "muzzle", np.pi / 2, relief=0.9)
    _dog_eyes(head)
    nose = closed_curve(
        [
            (-0.19, drop - 0.22),
            (0.0, drop - 0.28),
            (0.19, drop - 0.22),
            (0.09, drop - 0.02),
            (-0.09, drop - 0.02),
        ]
    )
    head.flat(nose, DARK, relief=0.5)
    head.flat(ellipse(-0.06, drop - 0.19, 0.06, 0.03), WHITE, opacity=0.6)
    _mouth(head, drop - 0.03, 0.24)


def _dog_eyes(head: Figure) -> None:
    gaze = head.rng.uniform(-0.04, 0.04)
    for side in (-1, 1):
        head.flat(ellipse(side * 0.38, -0.16, 0.19, 0.17), 0.5 * head.coat.base)
        if head.asleep:
            head.fur(ellipse(side * 0.38, -0.20, 0.20, 0.16), "head", np.pi / 2, tufts=False)
            continue
        head.flat(ellipse(side * 0.38, -0.15, 0.155, 0.145), WHITE)
        head.flat(ellipse(side * 0.38 + gaze, -0.15, 0.135, 0.138), DOG_EYES)
        head.flat(ellipse(side * 0.38 + gaze, -0.15, 0.075, 0.08), DARK)
        head.flat(ellipse(side * 0.38 - 0.05, -0.21, 0.045, 0.045), WHITE)


def _dog_ears(head: Figure) -> None:
    ears, rng = head.breed.ears, head.rng
    long = rng.uniform(0.8, 1.15) * (0.8 + 0.4 * head.breed.snout)
    for side in (-1, 1):
        if ears == "floppy":
            ear = [(0.50, -0.74), (0.92, -0.62), (1.18, 0.10), (1.04, 0.34 + 0.35 * long), (0.80, 0.10)]
            head.fur(closed_curve([(side * u, v) for u, v in ear]), "ear", np.pi / 2)
            continue
        if ears == "folded":
            ear = [(0.34, -0.70), (0.72, -1.02), (1.14, -0.62), (0.98, -0.36), (0.72, -0.56)]
            head.fur(closed_curve([(side * u, v) for u, v in ear]), "ear", np.pi / 2)
            continue
        out = 1.06 if ears == "bat" else 0.72
        ear = [(0.24, -0.66), (out, -1.48 if ears == "bat" else -1.30), (0.86, -0.24), (0.5, -0.3)]
        inner = [(0.38, -0.68), (out - 0.04, -1.26 if ears == "bat" else -1.10), (0.78, -0.42), (0.54, -0.44)]
        head.fur(_pointed([(side * u, v) for u, v in ear]), "ear", -np.pi / 2)
        head.flat(_pointed([(side * u, v) for u, v in inner]), 0.5 * PINK + 0.5 * head.coat.base, relief=0.3)


def _mouth(head: Figure, top: float, wide: float) -> None:
    for side in (-1, 1):
        lip = tube(
            [
                (0.0, top),
                (0.02 * side, top + 0.14),
                (side * wide, top + 0.22),
                (side * wide * 1.5, top + 0.14),
            ],
            [0.035] * 4,
        )
        head.flat(lip, DARK, opacity=0.8)


def _pointed(corners: list[tuple[float, float]]) -> np.ndarray:
    """A closed curve through four corners, pointed at the second."""
    base, tip, far, middle = (np.array(corner) for corner in corners)
    swell = 0.10 * (tip - middle)
    left = [base, base + 0.5 * (tip - base) - 0.25 * swell[::-1] * (1, -1), tip]
    right = [far + 0.5 * (tip - far) + 0.25 * swell[::-1] * (1, -1), far, middle]
    return np.array(left + right)
