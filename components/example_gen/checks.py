"""Reads the photo and the mask of a pair, checks them and makes the raw example."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import tensorflow as tf

from components.example_gen.near_duplicates import difference_hash
from components.example_gen.pairs import CheckedPair, Note, PairSource
from components.example_gen.pixels.batches import PAIRS, PIXELS, Decoded, decode_batch
from components.example_gen.pixels.mask import Mask, fit_rendered_mask, is_plain, load_mask
from components.example_gen.pixels.mask_mapping import MOST_UNKNOWN, UnknownValuesError
from components.example_gen.pixels.photo import (
    OpenedPhoto,
    Photo,
    decode_opened,
    load_photo,
    open_photo,
)
from components.example_gen.settings import DataSettings
from components.example_gen.sources import is_rendered
from petseg.errors import BrokenFileError

BATCHES_AHEAD = 2
"""Batches that wait to be decoded or checked."""

BYTES_PER_PIXEL = 8
"""No sane file spends more on a pixel; a larger one is not even read."""


@dataclass(frozen=True)
class _Files:
    """A photo whose header was read, and the file of its mask; None for a mask that is rendered."""

    source: PairSource
    photo: OpenedPhoto | BrokenFileError
    mask: bytes | BrokenFileError | None

    @property
    def number_of_pixels(self) -> int:
        return 0 if isinstance(self.photo, BrokenFileError) else self.photo.number_of_pixels


def check_pairs(sources: Iterable[PairSource], data: DataSettings) -> Iterator[CheckedPair]:
    """Reads and checks pairs, in order; broken ones are described, never raised.

    While TensorFlow decodes the files of one batch on its threads, this thread reads those of the next and
    checks what was decoded before.
    """
    with ThreadPoolExecutor(1) as pool:
        decoding: deque[tuple[list[_Files], Future[list[Decoded]]]] = deque()
        for batch in _batches(_read(source, data) for source in sources):
            decoding.append((batch, pool.submit(_decode, batch, data)))
            if len(decoding) > BATCHES_AHEAD:
                yield from _check_batch(*decoding.popleft(), data)
        while decoding:
            yield from _check_batch(*decoding.popleft(), data)


def check_pair(source: PairSource, data: DataSettings) -> CheckedPair:
    """Reads and checks one pair; see check_pairs."""
    return _check(_read(source, data), (None, None), data)


def _read(source: PairSource, data: DataSettings) -> _Files:
    try:
        photo = open_photo(source.photo.read(_max_bytes(data)), data.max_pixels)
    except BrokenFileError as error:
        return _Files(source, error, None)
    if is_rendered(source.mask):
        return _Files(source, photo, None)
    try:
        return _Files(source, photo, source.mask.read(_max_bytes(data)))
    except BrokenFileError as error:
        return _Files(source, photo, error)


def _batches(files: Iterable[_Files]) -> Iterator[list[_Files]]:
    """Lists of at most PAIRS pairs, fewer of large photos."""
    batch: list[_Files] = []
    for each in files:
        batch.append(each)
        if len(batch) == PAIRS or sum(one.number_of_pixels for one in batch) > PIXELS:
            yield batch
            batch = []
    if batch:
        yield batch


def _decode(batch: list[_Files], data: DataSettings) -> list[Decoded]:
    photos, masks = [], []
    for files in batch:
        photo, mask = files.photo, files.mask
        photos.append(photo.content if isinstance(photo, OpenedPhoto) and photo.is_plain_jpeg else None)
        masks.append(mask if isinstance(mask, bytes) and is_plain(mask, data) else None)
    return list(decode_batch(photos, masks))


def _check_batch(
    batch: list[_Files], decoding: Future[list[Decoded]], data: DataSettings
) -> Iterator[CheckedPair]:
    for files, decoded in zip(batch, decoding.result(), strict=True):
        yield _check(files, decoded, data)


def _check(files: _Files, decoded: Decoded, data: DataSettings) -> CheckedPair:
    source, file = files.source, files.source.photo_path
    try:
        if isinstance(files.photo, BrokenFileError):
            raise files.photo
        photo = decode_opened(files.photo, data.photo_range, decoded[0])
        file = source.mask_path
        if isinstance(files.mask, BrokenFileError):
            raise files.mask
        if files.mask is None:
            mask = _load_mask(source, photo, data)
        else:
            mask = load_mask(files.mask, photo, data, stored=decoded[1])
    except UnknownValuesError as error:
        unknown = tuple(error.pixels.items())[:MOST_UNKNOWN]
        return CheckedPair(source, broken=Note(file, str(error)), unknown=unknown)
    except BrokenFileError as error:
        return CheckedPair(source, broken=Note(file, str(error)))
    height, width = photo.shape
    return CheckedPair(
        source,
        repairs=_notes(source.photo_path, photo.repairs) + _notes(source.mask_path, mask.repairs),
        sha256=hashlib.sha256(files.photo.content).hexdigest(),
        difference_hash=difference_hash(photo.brightness),
        height=height,
        width=width,
        pixels=mask.pixels,
        palette=mask.palette,
        ignored=mask.ignored,
        between=mask.between,
        orientation=photo.orientation,
        lie=mask.lie,
        is_as_stored=mask.content is not None and not photo.repairs,
    )


def make_example(pair: CheckedPair, data: DataSettings) -> tf.train.Example:
    """Reads a checked pair once more and makes its raw example.

    Raises:
        RuntimeError: The photo is no longer the one that was checked.
    """
    source = pair.source
    encoded = source.photo.read(_max_bytes(data))
    if hashlib.sha256(encoded).hexdigest() != pair.sha256:
        raise RuntimeError(f"{source.photo_path} changed while it was read")
    if pair.is_as_stored and not is_rendered(source.mask):
        png = source.mask.read(_max_bytes(data))
    else:
        photo = load_photo(encoded, data.max_pixels, data.photo_range)
        encoded, png = photo.encoded, _load_mask(source, photo, data, pair.turned).png
    features = {
        "image/encoded": _bytes(encoded),
        "image/name": _bytes(source.name.encode()),
        "image/sha256": _bytes(pair.sha256.encode()),
        "mask/encoded": _bytes(png),
    }
    if source.span:
        features["data/span"] = _bytes(source.span.encode())
    features |= {name: _feature(value) for name, value in small_features(pair, data).items()}
    return tf.train.Example(features=tf.train.Features(feature=features))


def small_features(pair: CheckedPair, data: DataSettings) -> dict[str, int | float | str]:
    """The features that statistics are computed of: sizes, class shares, labels, slices."""
    features: dict[str, int | float | str] = {
        "image/height": pair.height,
        "image/width": pair.width,
        "slice/photo_size": _size((pair.height * pair.width) ** 0.5, data.photo_size_edges),
    }
    for entry, share in zip(data.classes.classes, pair.shares, strict=True):
        features[f"mask/share_{entry.key}"] = share
        if entry.name == data.sized_class:
            features[f"slice/{entry.key}_size"] = _size(share, data.sized_class_edges)
    return features | pair.source.labels


def _load_mask(source: PairSource, photo: Photo, data: DataSettings, turned: bool = False) -> Mask:
    if is_rendered(source.mask):
        is_upright = getattr(source.mask, "is_upright", False)
        return fit_rendered_mask(source.mask.render(*photo.shape), photo, data, is_upright, turned)
    return load_mask(source.mask.read(_max_bytes(data)), photo, data, turned)


def _max_bytes(data: DataSettings) -> int:
    return BYTES_PER_PIXEL * data.max_pixels + 2**20


def _notes(file: str, repairs: tuple[str, ...]) -> tuple[Note, ...]:
    return (Note(file, "; ".join(repairs)),) if repairs else ()


def _size(measure: float, edges: tuple[float, float]) -> str:
    medium, large = edges
    if measure < medium:
        return "small"
    return "medium" if measure < large else "large"


def _feature(value: int | float | str) -> tf.train.Feature:
    if isinstance(value, str):
        return _bytes(value.encode())
    if isinstance(value, int):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))


def _bytes(value: bytes) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
