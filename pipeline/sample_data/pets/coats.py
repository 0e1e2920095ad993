"""Fur: its colors and markings."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.sample_data.painting import Surface
from pipeline.sample_data.pets.breeds import Breed
from pipeline.sample_data.shapes import Placement
from pipeline.sample_data.textures import blend, color, hair, smooth_noise, smoothstep


@dataclass(frozen=True)
class Coat:
    """The fur of one animal.

    Attributes:
        breed: Its breed.
        base: Main color, float32 [3].
        marks: Color of the markings, float32 [3].
        light: Color of bib, muzzle and paws, float32 [3].
        warp: Smooth noise over the photo, float32 [height, width], that bends the markings.
        patchwork: The same, but coarser: it decides where patches are.
        placement: Position, scale and rotation of the animal.
    """

    breed: Breed
    base: np.ndarray
    marks: np.ndarray
    light: np.ndarray
    warp: np.ndarray
    patchwork: np.ndarray
    placement: Placement

    @classmethod
    def of(
        cls, breed: Breed, size: tuple[int, int], placement: Placement, rng: np.random.Generator
    ) -> "Coat":
        """Chooses one of the breed's coats for a photo of `size` (height, width)."""
        base, marks = breed.coats[int(rng.integers(len(breed.coats)))]
        return cls(
            breed,
            color(base, rng, 0.06),
            color(marks, rng, 0.06),
            color("white", rng),
            smooth_noise(rng, size, 0.07 * placement.scale),
            smooth_noise(rng, size, 0.24 * placement.scale),
            placement,
        )

    def surface(self, role: str, angle: float) -> Surface:
        """Fur of one part.

        Args:
            role: `body`, `head`, `leg`, `tail`, `ear`, `chest`, `muzzle` or `paw`.
            angle: Direction in which the hair lies in the figure, radians.

        Returns:
            A surface for `Painting.paint`.
        """
        turned = (np.pi - angle if self.placement.mirrored else angle) + self.placement.angle
        frequency = float(np.clip(150.0 / self.placement.scale, 0.35, 1.6))
        gloss = 0.10 + 0.12 * self.breed.hair
        color = self._color(role)
        pattern = MARKINGS[self.breed.pattern] if not self._is_light(role) else None

        def fur(y: np.ndarray, x: np.ndarray) -> np.ndarray:
            strands = hair(y, x, turned, frequency)
            rows = slice(int(y[0, 0]), int(y[-1, 0]) + 1)
            columns = slice(int(x[0, 0]), int(x[0, -1]) + 1)
            warp, patches = self.warp[rows, columns], self.patchwork[rows, columns]
            shade = (1.0 + gloss * strands + 0.06 * warp)[..., None]
            if pattern is None:
                return color * shade
            px, py = (
                (x - self.placement.x) / self.placement.scale,
                (y - self.placement.y) / self.placement.scale,
            )
            along = px * math.cos(turned) + py * math.sin(turned)
            weight = pattern(role, along, py, warp, patches)
            return blend(color, self.marks, np.clip(weight, 0.0, 1.0)) * shade

        return fur

    def _is_light(self, role: str) -> bool:
        return self.breed.bib and role in ("chest", "muzzle", "paw")

    def _color(self, role: str) -> np.ndarray:
        if self._is_light(role):
            return self.light
        if role in ("muzzle", "chest"):
            return self.base + 0.25 * (self.light - self.base)
        return self.base


# A marking gets the part's role, the position along the hair and above the ground (both in figure
# units), and two noises. It returns the weight of the second color.
Marking = Callable[[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _solid(role: str, along: np.ndarray, y: np.ndarray, warp: np.ndarray, patches: np.ndarray) -> np.ndarray:
    return 0.25 * smoothstep(-0.2, 0.9, patches)


def _ticked(role: str, along: np.ndarray, y: np.ndarray, warp: np.ndarray, patches: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * warp + (0.3 if role in ("tail", "ear") else 0.0)


def _tabby(role: str, along: np.ndarray, y: np.ndarray, warp: np.ndarray, patches: np.ndarray) -> np.ndarray:
    waves = np.sin(2 * np.pi * (along * (9.0 if role == "body" else 12.0) + 0.45 * warp))
    return 0.85 * smoothstep(0.0, 0.7, waves) * (0.4 if role in ("muzzle", "chest") else 1.0)


def _spots(role: str, along: np.ndarray, y: np.ndarray, warp: np.ndarray, patches: np.ndarray) -> np.ndarray:
    if role == "tail":
        return _tabby(role, along, y, warp, patches)
    return 0.9 * smoothstep(0.18, 0.34, warp) * (0.3 if role in ("muzzle", "chest") else 1.0)


def _patches(
    role: str, along: np.ndarray, y: np.ndarray, warp: np.ndarray, patches: np.ndarray
) -> np.ndarray:
    return smoothstep(0.0, 0.12, patches + 0.1 * warp + (0.6 if role == "ear" else 0.0))


def _points(role: str, along: np.ndarray, y: np.ndarray, warp: np.ndarray, patches: np.ndarray) -> np.ndarray:
    share = {"ear": 0.95, "tail": 0.95, "paw": 0.9, "muzzle": 0.8, "leg": 0.45, "head": 0.2}.get(role, 0.0)
    return share + 0.1 * warp


def _mask(role: str, along: np.ndarray, y: np.ndarray, warp: np.ndarray, patches: np.ndarray) -> np.ndarray:
    share = {"ear": 0.85, "muzzle": 0.95, "tail": 0.3}.get(role, 0.05)
    return share + 0.12 * warp


def _saddle(role: str, along: np.ndarray, y: np.ndarray, warp: np.ndarray, patches: np.ndarray) -> np.ndarray:
    if role in ("body", "tail"):
        return smoothstep(0.33, 0.42, -y + 0.05 * warp)
    return np.full_like(warp, 0.35 if role == "ear" else 0.0)


def _tips(role: str, along: np.ndarray, y: np.ndarray, warp: np.ndarray, patches: np.ndarray) -> np.ndarray:
    share = {"paw": 0.95, "muzzle": 0.9, "chest": 0.8, "leg": 0.35}.get(role, 0.0)
    return share + 0.1 * warp


def _brindle(
    role: str, along: np.ndarray, y: np.ndarray, warp: np.ndarray, patches: np.ndarray
) -> np.ndarray:
    return 0.45 * smoothstep(0.0, 0.9, np.sin(2 * np.pi * (along * 13.0 + 0.35 * warp)))


MARKINGS: dict[str, Marking] = {
    "solid": _solid,
    "ticked": _ticked,
    "tabby": _tabby,
    "spots": _spots,
    "patches": _patches,
    "points": _points,
    "mask": _mask,
    "saddle": _saddle,
    "tips": _tips,
    "brindle": _brindle,
}
