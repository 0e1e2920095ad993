"""The requests of ServingCheck: images of every format and shape that a client may send."""

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageDraw

TOLERANCE = 1e-4
"""Largest allowed difference between a served probability and the trainer's."""

ORIENTATIONS = tuple(range(1, 9))
"""All EXIF orientations."""


@dataclasses.dataclass(frozen=True)
class Request:
    """One call of the model.

    Attributes:
        name: What is sent, in the words of the result.
        files: The images of the batch, as files in the folder of the requests.
        sizes: Height and width in pixels of each, upright; None where the bytes are not an image, so that
            the call must raise an InvalidArgumentError.
        orientations: EXIF orientation of each, 1 to 8, where the predictions must equal those for the upright
            photos; None where the photos have no EXIF.
    """

    name: str
    files: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...] | None
    orientations: tuple[int, ...] | None = None


@dataclasses.dataclass(frozen=True)
class TrainingPhoto:
    """A photo of the training data.

    Attributes:
        encoded: Its bytes as raw examples hold them: most often the file's own.
        height: Pixels, upright.
        width: Pixels, upright.
    """

    encoded: bytes
    height: int
    width: int


def write_requests(folder: Path, training_photo: TrainingPhoto | None = None) -> list[Request]:
    """Draws the images into a folder.

    Args:
        folder: An empty folder.
        training_photo: Is sent, too.

    Returns:
        The requests; the first is an ordinary JPEG.
    """
    photo = _drawn(500, 375)
    small, large, strip = _drawn(5, 3), photo.resize((4000, 3000), Image.Resampling.BILINEAR), _drawn(20, 900)
    jpeg = _encoded(photo, "JPEG")
    pictures = {
        "JPEG": (jpeg, photo),
        "progressive JPEG": (_encoded(photo, "JPEG", progressive=True), photo),
        "PNG": (_encoded(photo, "PNG"), photo),
        "gray JPEG": (_encoded(photo.convert("L"), "JPEG"), photo),
        "RGBA PNG": (_encoded(_with_alpha(photo), "PNG"), photo),
        "CMYK JPEG": (_encoded(photo.convert("CMYK"), "JPEG"), photo),
        "palette PNG": (_encoded(photo.quantize(32), "PNG"), photo),
        "GIF": (_encoded(photo.quantize(32), "GIF"), photo),
        "BMP": (_encoded(photo, "BMP"), photo),
        "3x5 px": (_encoded(small, "PNG"), small),
        "4000x3000 px": (_encoded(large, "JPEG"), large),
        "900x20 px": (_encoded(strip, "JPEG"), strip),
    }
    broken = {
        "empty bytes": b"",
        "bytes that are not an image": b"this is not an image",
        "half a JPEG": jpeg[: len(jpeg) // 2],
    }
    requests = []
    for name, (content, picture) in pictures.items():
        requests.append(Request(name, (_save(folder, name, content),), ((picture.height, picture.width),)))
    if training_photo is not None:
        size = (training_photo.height, training_photo.width)
        file = _save(folder, "photo of the training data", training_photo.encoded)
        requests.append(Request("photo of the training data", (file,), (size,)))
    mixed = [request for request in requests if request.name != "4000x3000 px"]
    requests.append(
        Request(
            "batch of mixed sizes and formats",
            tuple(request.files[0] for request in mixed),
            tuple(request.sizes[0] for request in mixed if request.sizes),
        )
    )
    requests.append(_turned(folder, photo))
    for name, content in broken.items():
        requests.append(Request(name, (_save(folder, name, content),), None))
    requests.append(
        Request("batch with one broken photo", (requests[0].files[0], requests[-1].files[0]), None)
    )
    return requests


def _turned(folder: Path, photo: Image.Image) -> Request:
    """The photo as a camera stores it, held in each of the eight ways."""
    files, sizes = [], []
    for orientation in ORIENTATIONS:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        files.append(_save(folder, f"EXIF orientation {orientation}", _encoded(photo, "JPEG", exif=exif)))
        sizes.append((photo.width, photo.height) if orientation >= 5 else (photo.height, photo.width))
    return Request("EXIF orientations 1 to 8", tuple(files), tuple(sizes), ORIENTATIONS)


def _drawn(width: int, height: int) -> Image.Image:
    """A color gradient with an ellipse: compresses like a photo, and is the same on every machine."""
    across, down = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    pixels = np.stack([across, down, 1 - across * down], axis=-1) * 255
    picture = Image.fromarray(pixels.astype(np.uint8))
    ImageDraw.Draw(picture).ellipse(
        (width // 4, height // 4, width * 3 // 4, height * 3 // 4), (170, 110, 60)
    )
    return picture


def _with_alpha(photo: Image.Image) -> Image.Image:
    translucent = photo.copy()
    translucent.putalpha(Image.linear_gradient("L").resize(photo.size))
    return translucent


def _encoded(picture: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def _save(folder: Path, name: str, content: bytes) -> str:
    file = name.replace(" ", "_")
    (folder / file).write_bytes(content)
    return file
