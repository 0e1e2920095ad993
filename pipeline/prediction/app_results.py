"""What the app shows for a file: pictures, class shares, and a mask to download."""

import io
import os
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from components.run_report.templates import template_engine
from petseg.class_table import ClassTable
from petseg.errors import BrokenFileError
from petseg.files.atomic import atomic_file
from petseg.files.image_file import PHOTO_FORMATS
from petseg.files.png_chunks import with_palette
from petseg.overlay import class_ids_of, overlay
from petseg.saved_model import REFERENCE_FILE

if TYPE_CHECKING:
    from petseg.segmenter import Segmenter

SHOWN_PIXELS = 1600
"""Longest side of the pictures on the page; the mask is computed at native resolution."""

KEPT_SECONDS = 3600
"""Masks to download are removed after this time, as Gradio does with uploads."""

EXAMPLES = 6
"""Photos of the eval split that the page offers, at model resolution."""


@dataclass(frozen=True)
class Shown:
    """What the page shows for one file.

    Attributes:
        name: Name of the file.
        html: Class shares and latency, or why the file was refused.
        pictures: Photo and overlay, at most SHOWN_PIXELS long; None if the file was refused.
        mask_png: Palette PNG with the classes' values at native resolution; empty if the file was refused.
    """

    name: str
    html: str
    pictures: tuple[Image.Image, Image.Image] | None = None
    mask_png: bytes = b""


def segment_file(segmenter: "Segmenter", file: Path) -> Shown:
    """Segments the photo in a file, or says why that is not possible."""
    from components.example_gen.pixels.photo import load_photo

    settings = segmenter.photos
    try:
        photo = load_photo(file.read_bytes(), settings.max_pixels, settings.photo_range)
    except BrokenFileError as error:
        refused = _template().render(file=file.name, refused=str(error), formats=list(PHOTO_FORMATS))
        return Shown(file.name, refused)
    begun = time.perf_counter()
    (prediction,) = segmenter([photo.encoded])
    seconds = time.perf_counter() - begun
    classes = segmenter.classes
    html = _template().render(
        file=file.name,
        refused=None,
        size=photo.shape[::-1],
        milliseconds=round(1000 * seconds),
        confidence=prediction.confidence,
        shares=dict(zip(classes.names, prediction.class_shares.tolist(), strict=True)),
        colors=_colors(classes),
    )
    pictures = _pictures(Image.fromarray(photo.pixels()), prediction.values, classes)
    palette = dict(zip(classes.values, classes.colors, strict=True))
    return Shown(file.name, html, pictures, with_palette(prediction.mask_png, palette))


def warm_up(segmenter: "Segmenter") -> None:
    """Predicts once: TensorFlow takes seconds for the first prediction, while it prepares the graph."""
    blank = io.BytesIO()
    Image.new("RGB", (64, 64)).save(blank, "PNG")
    segmenter([blank.getvalue()])


def legend(classes: ClassTable) -> str:
    """The classes before there is a photo, laid out as their shares will be."""
    return _template().render(legend=classes.names, colors=_colors(classes), refused=None)


def write_download(results: Sequence[Shown], folder: Path) -> Path | None:
    """A file with the masks: a PNG, or of several photos a ZIP; None if there is no mask."""
    _remove_old(folder)
    masks = {f"{Path(shown.name).stem}.png": shown.mask_png for shown in results if shown.mask_png}
    if not masks:
        return None
    ((name, png), *others) = masks.items()
    if not others:
        with atomic_file(folder / name, synced=False) as unfinished:
            unfinished.write_bytes(png)
        return folder / name
    file = folder / "masks.zip"
    with atomic_file(file, synced=False) as unfinished, zipfile.ZipFile(unfinished, "w") as archive:
        for name, png in masks.items():
            archive.writestr(name, png)
    return file


def example_photos(model: Path) -> list[tuple[bytes, str]]:
    """Photos of the eval split that the model brings along, as PNG with their names."""
    file = model / "assets.extra" / REFERENCE_FILE
    if not file.is_file():
        return []
    with np.load(file, allow_pickle=False) as stored:
        ends = np.cumsum(stored["lengths"])
        content = stored["bytes"].tobytes()
        photos = [content[end - length : end] for end, length in zip(ends, stored["lengths"], strict=True)]
        return list(zip(photos, stored["names"].tolist(), strict=True))[:EXAMPLES]


def _pictures(photo: Image.Image, values: np.ndarray, classes: ClassTable) -> tuple[Image.Image, Image.Image]:
    scale = min(1.0, SHOWN_PIXELS / max(photo.size))
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    small = photo.resize(size, Image.Resampling.LANCZOS) if scale < 1 else photo
    mask = np.asarray(Image.fromarray(values).resize(size, Image.Resampling.NEAREST))
    return small, overlay(small, class_ids_of(mask, classes), classes)


def _colors(classes: ClassTable) -> dict[str, str]:
    return {entry.name: entry.color for entry in classes.classes}


def _template() -> Any:
    return template_engine("pipeline.prediction").get_template("app_prediction.html.jinja")


def _remove_old(folder: Path) -> None:
    for file in folder.iterdir():
        if time.time() - os.stat(file).st_mtime > KEPT_SECONDS:
            file.unlink(missing_ok=True)
