"""Draws a photo and its trimap from a breed and a seed."""

import numpy as np
from PIL import Image

from pipeline.sample_data.pets.animals import draw_animal
from pipeline.sample_data.pets.breeds import Breed
from pipeline.sample_data.pets.scenes import paint_scene
from pipeline.sample_data.textures import smooth_noise

PET, BACKGROUND, BORDER = 1, 2, 3
# Half the width of the border band, as a share of the photo's side (square root of the area).
BORDER_SHARE = 0.018
# Height and width; portrait and landscape, below and above the official median of 375 x 500.
SIZES = (
    (180, 240), (200, 200), (240, 180), (240, 320), (320, 240), (300, 300), (300, 400), (400, 300),
    (333, 500), (375, 500), (375, 500), (500, 375), (500, 333), (480, 480), (480, 640),
)  # fmt: skip


def draw_photo(breed: Breed, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """Draws one animal in its surroundings.

    Args:
        breed: What to draw.
        rng: Source of all variation; the same state gives the same photo.

    Returns:
        The photo (RGB) and its trimap (L; 1 pet, 2 background, 3 border) of the same size.
    """
    size = SIZES[int(rng.integers(len(SIZES)))]
    painting, floor = paint_scene(size, rng)
    draw_animal(painting, breed, rng, floor)
    photo = Image.fromarray(develop(painting.rgb, rng))
    return photo, Image.fromarray(trimap(painting.silhouette > 0.5))


def develop(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Simulates light, lens and sensor: float32 [height, width, 3] from 0 to 1 to uint8 of the same shape."""
    size = (rgb.shape[0], rgb.shape[1])
    tint = rng.normal(1.0, 0.04, 3) * rng.uniform(0.8, 1.15)
    dapple = 1.0 + 0.16 * smooth_noise(rng, size, 0.5 * max(size))
    grain = rng.standard_normal(size, np.float32) * rng.uniform(0.006, 0.02)
    lit = rgb * tint.astype(np.float32) * dapple[..., None].astype(np.float32) + grain[..., None]
    return (np.clip(lit, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def trimap(pet: np.ndarray) -> np.ndarray:
    """Labels pet, background and the band along the contour between them.

    Args:
        pet: Bool [height, width].

    Returns:
        uint8 [height, width]: 1 pet, 2 background, 3 border.
    """
    band = max(2, round(BORDER_SHARE * float(np.sqrt(pet.size))))
    values = np.where(pet, PET, BACKGROUND).astype(np.uint8)
    values[grow(pet, band) & grow(~pet, band)] = BORDER
    return values


def grow(mask: np.ndarray, radius: int) -> np.ndarray:
    """Dilates a bool mask by about `radius` pixels: crosses and squares in turn make an octagon."""
    for step in range(radius):
        padded = np.pad(mask, 1)
        across = padded[1:-1, :-2] | padded[1:-1, 2:] | mask
        if step % 2:
            wide = np.pad(across, ((1, 1), (0, 0)))
            mask = wide[:-2] | wide[2:] | across
        else:
            mask = across | padded[:-2, 1:-1] | padded[2:, 1:-1]
    return mask
