"""Predicts many photos: reading, converting and writing go on while the model computes."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import tensorflow as tf
from PIL import Image

from components.example_gen.pixels.photo import load_photo, servable_bytes
from petseg.errors import BrokenFileError
from petseg.files.image_file import PHOTO_FORMATS, open_image, upright_rgb
from petseg.photo_settings import PhotoSettings
from petseg.segmenter import Prediction, Segmenter
from pipeline.prediction.photos import PhotoFile

BATCH_PHOTOS = 8
BATCH_PIXELS = 4_000_000
"""A batch ends at either of them: the predictions of a large photo take much memory."""

THREADS = 4
AHEAD = 4 * BATCH_PHOTOS
"""How many photos are read, and how many results are written, at the same time."""

Item = TypeVar("Item")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Segmented:
    """What became of a photo.

    Attributes:
        photo: Its file.
        content: The file's bytes; None if it could not be read.
        prediction: The prediction; None if the photo is broken.
        error: Why it is broken; empty if it is not.
    """

    photo: PhotoFile
    content: bytes | None = None
    prediction: Prediction | None = None
    error: str = ""

    def picture(self, photos: PhotoSettings) -> Image.Image:
        """The upright RGB photo."""
        return upright_photo(self.content or b"", photos)


@dataclass(frozen=True)
class _Read:
    photo: PhotoFile
    content: bytes
    encoded: bytes
    pixels: int


def upright_photo(content: bytes, photos: PhotoSettings) -> Image.Image:
    """The upright RGB photo in a file's bytes, as the readers of data sets make it.

    Raises:
        BrokenFileError: The file is not a readable image.
    """
    return upright_rgb(open_image(content, PHOTO_FORMATS, photos.max_pixels), photos.photo_range)


def segment_all(photos: Iterable[PhotoFile], segmenter: Segmenter) -> Iterator[Segmented]:
    """Predicts photos in their order; a broken one is described, never raised.

    Memory does not grow with their number.
    """
    settings = segmenter.photos
    batch: list[_Read] = []
    with ThreadPoolExecutor(THREADS) as threads:
        for read in in_order(lambda photo: _read(photo, settings), photos, threads):
            if isinstance(read, Segmented):
                yield from _predict(batch, segmenter)
                batch = []
                yield read
                continue
            batch.append(read)
            if len(batch) == BATCH_PHOTOS or sum(each.pixels for each in batch) >= BATCH_PIXELS:
                yield from _predict(batch, segmenter)
                batch = []
        yield from _predict(batch, segmenter)


def in_order(
    function: Callable[[Item], Made], items: Iterable[Item], threads: ThreadPoolExecutor
) -> Iterator[Made]:
    """Results of a function, made in threads a few ahead, in the order of the items."""
    pending: deque[Future[Made]] = deque()
    for item in items:
        pending.append(threads.submit(function, item))
        if len(pending) > AHEAD:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def _read(photo: PhotoFile, settings: PhotoSettings) -> "_Read | Segmented":
    try:
        content = photo.read(settings.max_pixels)
        encoded = servable_bytes(content, settings.max_pixels, settings.photo_range)
    except BrokenFileError as error:
        return Segmented(photo, error=str(error))
    width, height = open_image(encoded, PHOTO_FORMATS, settings.max_pixels).size
    return _Read(photo, content, encoded, width * height)


def _predict(batch: list[_Read], segmenter: Segmenter) -> Iterator[Segmented]:
    if not batch:
        return
    try:
        predictions = segmenter([read.encoded for read in batch])
    except tf.errors.InvalidArgumentError:
        if len(batch) > 1:
            for read in batch:
                yield from _predict([read], segmenter)
        else:
            yield _repaired(batch[0], segmenter)
        return
    for read, prediction in zip(batch, predictions, strict=True):
        yield Segmented(read.photo, read.content, prediction)


def _repaired(read: _Read, segmenter: Segmenter) -> Segmented:
    """Pillow reads more broken files than TensorFlow; the reader stores what it reads as PNG."""
    settings = segmenter.photos
    try:
        encoded = load_photo(read.content, settings.max_pixels, settings.photo_range).encoded
    except BrokenFileError as error:
        return Segmented(read.photo, error=str(error))
    (prediction,) = segmenter([encoded])
    return Segmented(read.photo, read.content, prediction)
