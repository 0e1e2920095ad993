"""One animal that is being drawn: its fur, its placement and its painting."""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.sample_data.painting import Painting
from pipeline.sample_data.pets.breeds import Breed
from pipeline.sample_data.pets.coats import Coat
from pipeline.sample_data.shapes import Placement, shaggy


@dataclass(frozen=True)
class Figure:
    """Draws parts given in a figure's own coordinates: ground at y = 0, up is negative, about 1 high.

    Attributes:
        painting: The painting to draw on.
        coat: The fur.
        placement: Transform from figure coordinates to pixels.
        rng: Source of all variation.
        asleep: Whether the eyes are closed.
        unit: Size of these coordinates' unit in the whole figure's.
        shift: Their origin in the whole figure.
        tilt: Their turn, radians.
    """

    painting: Painting
    coat: Coat
    placement: Placement
    rng: np.random.Generator
    asleep: bool = False
    unit: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    tilt: float = 0.0

    @property
    def breed(self) -> Breed:
        """Breed of the animal."""
        return self.coat.breed

    def at(self, x: float, y: float, unit: float, tilt: float = 0.0) -> "Figure":
        """The same figure with coordinates around (x, y), scaled by `unit`, turned by `tilt`."""
        return replace(self, shift=(x, y), unit=unit, tilt=tilt)

    def fur(
        self, outline: np.ndarray, role: str, angle: float, relief: float = 0.8, tufts: bool = True
    ) -> None:
        """Paints a part of fur; `angle` is where its hair points, `tufts` whether its edge is shaggy."""
        outline = self._whole(outline)
        length = self.breed.hair
        if tufts and length > 0.2:
            depth = 0.042 * length * (0.6 if role in ("ear", "paw") else 1.0)
            outline = shaggy(outline, depth, 0.03, self.rng)
        self.painting.paint(
            self.placement.apply(outline), self.coat.surface(role, angle + self.tilt), relief=relief
        )

    def flat(
        self,
        outline: np.ndarray,
        color: np.ndarray,
        relief: float = 0.0,
        opacity: float = 1.0,
        belongs: bool = True,
    ) -> None:
        """Paints a part of one color, such as an eye; arguments as for `Painting.paint`."""
        pixels = self.placement.apply(self._whole(outline))
        self.painting.paint(pixels, color, relief=relief, opacity=opacity, belongs=belongs)

    def _whole(self, outline: np.ndarray) -> np.ndarray:
        cos, sin = np.cos(self.tilt) * self.unit, np.sin(self.tilt) * self.unit
        turned = np.stack(
            [outline[:, 0] * cos - outline[:, 1] * sin, outline[:, 0] * sin + outline[:, 1] * cos], axis=1
        )
        return turned + np.array(self.shift)
