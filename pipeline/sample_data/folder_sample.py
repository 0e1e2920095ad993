"""Draws simple shapes on a textured ground: a data set with its own class table."""

from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from petseg.class_table import ClassTable, SegmentationClass
from pipeline.sample_data.painting import Painting
from pipeline.sample_data.pets.photo import develop, grow
from pipeline.sample_data.pets.scenes import cloth
from pipeline.sample_data.shapes import Placement, ellipse, rectangle
from pipeline.sample_data.splits import split_names
from pipeline.sample_data.whole_folder import check_request, whole_folder

CLASS_TABLE = "classes.yaml"
IGNORED = 255
# Half the width of the ignored band along a contour, in pixels.
IGNORED_BAND = 2
SIZES = ((120, 160), (160, 120), (128, 128), (150, 200))
_TURN = np.linspace(0.0, 2 * np.pi, 10, endpoint=False)
_RADII = np.where(np.arange(10) % 2, 0.45, 1.1)
OUTLINES: dict[str, np.ndarray] = {
    "disc": ellipse(0.0, 0.0, 0.9, 0.9),
    "square": rectangle(-0.8, -0.8, 0.8, 0.8),
    "triangle": np.array([[0.0, -1.0], [1.0, 0.8], [-1.0, 0.8]]),
    "star": np.stack([_RADII * np.sin(_TURN), -_RADII * np.cos(_TURN)], axis=1),
}
COLORS = ("#2e4a62", "#f2a03d", "#7fb069", "#d1495b", "#edae49")


def shape_classes(classes: int, ignored: bool) -> ClassTable:
    """The class table of a shape sample.

    Args:
        classes: 2 (ground and shape) or 5 (ground and a class for each outline).
        ignored: Whether the masks have an ignored band along contours.
    """
    names = ("ground", "shape") if classes == 2 else ("ground", *OUTLINES)
    return ClassTable(
        # Values in files are neither class ids nor consecutive, as in many real data sets.
        classes=tuple(
            SegmentationClass(value=40 * number, name=name, color=COLORS[number])
            for number, name in enumerate(names)
        ),
        ignored_value=IGNORED if ignored else None,
    )


def write_folder_sample(
    output: Path, pairs: int, seed: int = 0, classes: int = 2, ignored: bool = False
) -> ClassTable:
    """Draws shapes in the layout of the folder reader: `images/*.jpg`, `masks/*.png`, `classes.yaml`.

    There are no lists: the hash of a name decides its split, and names are chosen so that every split gets
    its share. Otherwise like `write_sample`.

    Args:
        output: Folder to create. If it already holds the same sample, nothing is done.
        pairs: Number of photos, 8 or more.
        seed: An integer, 0 or more.
        classes: 2 or 5.
        ignored: Whether contours get a band of the ignored value 255.

    Returns:
        The class table, which is in `classes.yaml` too.

    Raises:
        SampleError: Too few pairs, a negative seed, or `output` has other content.
        ValueError: `classes` is neither 2 nor 5.
    """
    check_request(pairs, seed)
    if classes not in (2, 5):
        raise ValueError(f"classes must be 2 or 5; received {classes}")
    table = shape_classes(classes, ignored)
    made_from = {"kind": "shapes", "pairs": pairs, "seed": seed, "classes": classes, "ignored": ignored}
    with whole_folder(output, made_from) as folder:
        if folder is not None:
            (folder / "images").mkdir()
            (folder / "masks").mkdir()
            for index, name in enumerate(split_names("shapes", pairs)):
                photo, mask = _draw(table, np.random.default_rng([seed, index]))
                photo.save(folder / "images" / f"{name}.jpg", quality=88)
                mask.save(folder / "masks" / f"{name}.png")
            text = yaml.safe_dump(table.model_dump(mode="json"), sort_keys=False)
            (folder / CLASS_TABLE).write_text(text, encoding="ascii")
    return table


def _draw(table: ClassTable, rng: np.random.Generator) -> tuple[Image.Image, Image.Image]:
    """One to four shapes; returns the photo (RGB) and the mask (L, file values) of the same size."""
    height, width = size = SIZES[int(rng.integers(len(SIZES)))]
    painting = Painting(np.zeros((*size, 3), np.float32), light=(-0.6, -0.8))
    painting.paint(rectangle(-1, -1, width + 1, height + 1), cloth(size, rng))
    values = np.full(size, table.values[0], np.uint8)
    for _ in range(int(rng.integers(1, 5))):
        kind = int(rng.integers(len(OUTLINES)))
        placement = Placement(
            x=rng.uniform(0.15, 0.85) * width,
            y=rng.uniform(0.15, 0.85) * height,
            scale=rng.uniform(0.13, 0.30) * min(size),
            angle=rng.uniform(-0.6, 0.6),
        )
        painting.begin_object()
        painting.paint(placement.apply(list(OUTLINES.values())[kind]), cloth(size, rng), relief=0.7)
        values[painting.silhouette > 0.5] = table.values[1 if len(table) == 2 else kind + 1]
    if table.stored_ignored is not None:
        values[_contours(values)] = table.stored_ignored
    return Image.fromarray(develop(painting.rgb, rng)), Image.fromarray(values)


def _contours(values: np.ndarray) -> np.ndarray:
    """Bool [height, width]: pixels near a pixel of another value."""
    near = np.zeros(values.shape, bool)
    for value in np.unique(values):
        near |= grow(values == value, IGNORED_BAND) & (values != value)
    return near
