"""Reads the two files of a pair, checks them and makes the raw example."""

import hashlib
import os
import stat
from functools import cache
from pathlib import Path

import tensorflow as tf

from components.example_gen.mask import load_mask
from components.example_gen.near_duplicates import difference_hash
from components.example_gen.pairs import CheckedPair, Note, PairSource
from components.example_gen.photo import load_photo
from components.example_gen.settings import DataSettings
from petseg.files.image_file import BrokenFileError
from petseg.files.object_store import StorePath, is_url

BYTES_PER_PIXEL = 8
"""No sane file spends more on a pixel; what is larger is not even read."""


def check_pair(source: PairSource, folder: str, data: DataSettings) -> CheckedPair:
    """Reads and checks one pair; a broken one is described, never raised."""
    file = source.photo
    try:
        content = _read(folder, source.photo, data.max_pixels)
        photo = load_photo(content, data.max_pixels)
        file = source.mask
        mask = load_mask(_read(folder, source.mask, data.max_pixels), photo, data.classes, data.max_pixels)
    except BrokenFileError as error:
        return CheckedPair(source, broken=Note(file, str(error)))
    height, width = photo.pixels.shape[:2]
    return CheckedPair(
        source,
        repairs=_notes(source.photo, photo.repairs) + _notes(source.mask, mask.repairs),
        sha256=hashlib.sha256(content).hexdigest(),
        difference_hash=difference_hash(photo.pixels),
        height=height,
        width=width,
        pixels=mask.pixels,
    )


def make_example(pair: CheckedPair, folder: str, data: DataSettings) -> tf.train.Example:
    """Reads a checked pair once more and makes its raw example.

    Raises:
        RuntimeError: The photo is no longer the one that was checked.
    """
    jpeg = _read(folder, pair.source.photo, data.max_pixels)
    if hashlib.sha256(jpeg).hexdigest() != pair.sha256:
        raise RuntimeError(f"{pair.source.photo} changed while it was read")
    png = _read(folder, pair.source.mask, data.max_pixels)
    if pair.repairs:
        photo = load_photo(jpeg, data.max_pixels)
        jpeg, png = photo.jpeg, load_mask(png, photo, data.classes, data.max_pixels).png
    features = {
        "image/encoded": _bytes(jpeg),
        "image/name": _bytes(pair.source.name.encode()),
        "image/sha256": _bytes(pair.sha256.encode()),
        "mask/encoded": _bytes(png),
    }
    if pair.source.span:
        features["data/span"] = _bytes(pair.source.span.encode())
    features |= {name: _feature(value) for name, value in small_features(pair, data).items()}
    return tf.train.Example(features=tf.train.Features(feature=features))


def small_features(pair: CheckedPair, data: DataSettings) -> dict[str, int | float | str]:
    """What statistics are made of: sizes, class shares, labels and slices of a checked pair."""
    features: dict[str, int | float | str] = {
        "image/height": pair.height,
        "image/width": pair.width,
        "slice/photo_size": _size((pair.height * pair.width) ** 0.5, data.photo_size_edges),
    }
    for name, share in zip(data.classes.names, pair.shares, strict=True):
        features[f"mask/share_{name}"] = share
        if name == data.sized_class:
            features[f"slice/{name}_size"] = _size(share, data.sized_class_edges)
    return features | pair.source.labels


def _read(folder: str, file: str, max_pixels: int) -> bytes:
    if is_url(folder):
        return _read_from_store(StorePath(folder) / file, max_pixels)
    path = os.path.join(folder, file)
    # The folder of the photos may itself be a link, its owner's; a file in it may not lead elsewhere.
    homes = (_real_folder(folder), _real_folder(os.path.dirname(path)))
    if os.path.islink(path) and not any(_is_within(os.path.realpath(path), home) for home in homes):
        raise BrokenFileError("is a link that leads out of the data set's folder")
    try:
        state = os.stat(path)
        if not stat.S_ISREG(state.st_mode):
            raise BrokenFileError("is no file")
        _check_size(state.st_size, max_pixels)
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise BrokenFileError("is missing") from None
    except OSError as error:
        raise BrokenFileError(f"cannot be read: {error.strerror}") from None


def _read_from_store(path: StorePath, max_pixels: int) -> bytes:
    """As `_read`; that the store fails is no fault of the file, and stops the run."""
    try:
        _check_size(path.size(), max_pixels)
        return path.read_bytes()
    except FileNotFoundError:
        raise BrokenFileError("is missing") from None


def _check_size(size: int, max_pixels: int) -> None:
    if size > BYTES_PER_PIXEL * max_pixels + 2**20:
        raise BrokenFileError(f"has {size} bytes, more than data.max_pixels allows")


@cache
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _is_within(path: str, folder: str) -> bool:
    return os.path.commonpath((path, folder)) == folder


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
