"""Paints a photo part by part, with relief and shadow."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from pipeline.sample_data.shapes import rasterize

# Gets rows [h, 1] and columns [1, w] in pixels; returns colors [h, w, 3] or one color [3], 0 to 1.
Surface = Callable[[np.ndarray, np.ndarray], np.ndarray]


def blurred(alpha: np.ndarray, radius: float) -> np.ndarray:
    """Gaussian blur of a field from 0 to 1, float32 [height, width]."""
    image = Image.fromarray((alpha * 255.0).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255.0


class Painting:
    """Colors of a photo and the silhouette of the object painted last.

    Attributes:
        size: Height and width in pixels.
        rgb: Colors, float32 [height, width, 3], 0 to 1.
        silhouette: Coverage of the current object, float32 [height, width], 0 to 1.
        light: Unit vector x, y towards the light.
    """

    def __init__(self, rgb: np.ndarray, light: tuple[float, float]):
        self.rgb = rgb.astype(np.float32)
        self.size = (rgb.shape[0], rgb.shape[1])
        self.light = light
        self.silhouette = np.zeros(self.size, np.float32)

    def begin_object(self) -> None:
        """Starts a new object, which casts no shadow on earlier ones."""
        self.silhouette = np.zeros(self.size, np.float32)

    def cast_shadow(self, outline: np.ndarray, radius: float, strength: float) -> None:
        """Darkens the picture softly under an outline (pixels), as an object on the ground does."""
        window = rasterize(outline, self.size, margin=int(3 * radius) + 1)
        if window is None:
            return
        shade = 1.0 - strength * blurred(window.alpha, radius)
        self.rgb[window.rows, window.columns] *= shade[..., None]

    def paint(
        self,
        outline: np.ndarray,
        surface: Surface | np.ndarray,
        *,
        relief: float = 0.0,
        opacity: float = 1.0,
        belongs: bool = True,
    ) -> None:
        """Paints one part over the painting.

        Args:
            outline: Float [n, 2] of x, y in pixels.
            surface: One color [3], or a function of rows and columns.
            relief: 0 flat; 1 as round as a ball, with a soft shadow on the parts of the object below.
            opacity: Share of the color below that is covered.
            belongs: Whether the part belongs to the object's silhouette.
        """
        extent = np.ptp(outline, axis=0).min()
        radius = float(np.clip(0.16 * extent, 1.0, 14.0))
        window = rasterize(outline, self.size, margin=int(3 * radius) + 1 if relief else 1)
        if window is None:
            return
        rows, columns, alpha = window.rows, window.columns, window.alpha
        if callable(surface):
            y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
            x = np.arange(columns.start, columns.stop, dtype=np.float32)[None, :]
            part = surface(y, x)
        else:
            part = surface
        under = self.rgb[rows, columns]
        own = self.silhouette[rows, columns]
        if relief:
            soft = blurred(alpha, radius)
            part = part * (self._shade(soft, radius, relief))[..., None]
            under = under * (1.0 - 0.45 * relief * soft * own)[..., None]
        weight = (alpha * opacity)[..., None]
        self.rgb[rows, columns] = under + (part - under) * weight
        if belongs:
            self.silhouette[rows, columns] = np.maximum(own, alpha)

    def _shade(self, soft: np.ndarray, radius: float, relief: float) -> np.ndarray:
        """Brightness of a rounded surface whose height is the blurred coverage."""
        # Padded, because at the photo's edge a window may be one pixel wide.
        slope_y, slope_x = (slope[1:-1, 1:-1] for slope in np.gradient(np.pad(soft, 1, mode="edge")))
        facing = -(slope_x * self.light[0] + slope_y * self.light[1]) * radius
        rim = np.clip(2.0 * soft - 1.0, 0.0, 1.0)
        return 1.0 + relief * (1.1 * facing - 0.16 * (1.0 - rim))
