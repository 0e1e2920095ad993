"""Says before a run what of the data does not fit the settings, what is there, and what to change."""

import concurrent.futures
import json
import random
import shlex
import tempfile
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from components.example_gen.class_findings import (
    refuse_swallowed_classes,
    unknown_in_words,
    unknown_values,
)
from components.example_gen.listing import list_pairs
from components.example_gen.looks.dataset import MAX_BYTES, SEED
from components.example_gen.looks.recognition.recognize import recognize
from components.example_gen.looks.recognition.recognized import Recognized
from components.example_gen.looks.survey import join_path, layout_settings
from components.example_gen.looks.tree import list_tree
from components.example_gen.pairs import CheckedPair, Listing, Note, PairSource
from components.example_gen.pixels.mask_mapping import UnknownValuesError
from components.example_gen.pixels.mask_values import read_values
from components.example_gen.readers import unpacks
from components.example_gen.report import check_listing
from components.example_gen.settings import DataSettings
from components.example_gen.sources import is_rendered
from petseg.errors import BrokenFileError, UserError
from petseg.files.image_file import MASK_FORMATS, PHOTO_FORMATS, decode, open_image

OPENED = 64
"""Masks that are opened before a run: a fraction of a second."""

THREADS = 8
NAMED = 3


def with_layout(error: UserError, data: DataSettings) -> UserError:
    """Adds to an error about the files what is there and which settings read it.

    Args:
        error: Why the pairs cannot be used.
        data: The settings.

    Returns:
        An error of one line; the same error if other settings would not help.
    """
    if data.path is None or data.format == "auto":
        return error
    recognized = recognize(list_tree(data.path))
    said = str(error).splitlines()[0].removesuffix("; the first:")
    if recognized is None:
        return UserError(f"{said}; no layout of photos and masks is recognized in {data.path}")
    change = _change(recognized, data)
    if not change or not _helps(change, data):
        return error
    named = ", ".join(f"data.{key}: {json.dumps(value)}" for key, value in change.items())
    return UserError(
        f"{said}; there are {recognized.title}: {recognized.grounds[0]}; set {named}, or let"
        f" `init --data {shlex.quote(str(data.path))} --output FILE` write a config that fits"
    )


def check_masks(listing: Listing, data: DataSettings) -> None:
    """Opens some masks and refuses data that a run would refuse for them.

    Args:
        listing: All pairs.
        data: The settings.

    Raises:
        UserError: More is broken than `data.max_bad_fraction` allows, such as masks with values that the
            class table lacks; or all masks were opened, and an ignored value hides a class.
    """
    indexes: Sequence[int] = range(len(listing.pairs))
    if len(indexes) > OPENED:
        indexes = random.Random(SEED).sample(indexes, OPENED)
    chosen = [listing.pairs[index] for index in indexes]
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        opened = list(pool.map(partial(_open, data=data), chosen))
    broken = [pair.broken for pair in opened if pair.broken]
    # Of a sample, as many as are broken with near certainty: three standard deviations less.
    certain = len(broken) if len(chosen) == len(listing.pairs) else len(broken) - 3 * len(broken) ** 0.5
    if certain > data.max_bad_fraction * len(opened):
        raise with_layout(_refusal(broken, opened, data), data)
    if len(chosen) == len(listing.pairs):
        refuse_swallowed_classes([pair for pair in opened if not pair.broken], data.classes)


def _refusal(broken: list[Note], opened: list[CheckedPair], data: DataSettings) -> UserError:
    words = unknown_in_words(unknown_values(opened), data)
    said = f"data: {len(broken)} of {len(opened)} masks that were opened cannot be used"
    if words:
        return UserError(
            f"{said}: {words}; `init --data {shlex.quote(str(data.path))} --output FILE` writes a config"
            " that fits"
        )
    named = "; ".join(f"{note.file} {note.reason}" for note in broken[:NAMED])
    more = f"; and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
    return UserError(f"{said}, data.max_bad_fraction allows {data.max_bad_fraction:.1%}: {named}{more}")


def _open(source: PairSource, data: DataSettings) -> CheckedPair:
    """A mask's pixels of each class, or why it cannot be used; of its photo the header is read."""
    try:
        if is_rendered(source.mask):
            photo = open_image(source.photo.read(MAX_BYTES), PHOTO_FORMATS, data.max_pixels)
            values = source.mask.render(photo.height, photo.width)
        else:
            content = source.mask.read(MAX_BYTES)
            image = open_image(content, MASK_FORMATS, data.max_pixels)
            decode(image)
            values = read_values(image, content, data).values
            if not data.resize_masks:
                _check_size(image, source, data)
    except UnknownValuesError as error:
        unknown = tuple(error.pixels.items())
        return CheckedPair(source, broken=Note(source.mask_path, str(error)), unknown=unknown)
    except BrokenFileError as error:
        return CheckedPair(source, broken=Note(source.mask_path, str(error)))
    pixels = np.bincount(values.ravel(), minlength=256)
    ignored = data.classes.stored_ignored
    return CheckedPair(
        source,
        pixels=tuple(int(pixels[value]) for value in data.classes.values),
        ignored=0 if ignored is None else int(pixels[ignored]),
    )


def _check_size(mask: Image.Image, source: PairSource, data: DataSettings) -> None:
    """Raises a BrokenFileError if a mask has neither its photo's size nor that of the photo turned."""
    try:
        photo = open_image(source.photo.read(MAX_BYTES), PHOTO_FORMATS, data.max_pixels)
    except BrokenFileError:
        # The first node says so, and of which file.
        return
    if mask.size not in (photo.size, photo.size[::-1]):
        raise BrokenFileError(
            f"is {mask.width} x {mask.height} pixels, its photo {photo.width} x {photo.height};"
            " data.resize_masks: true resizes masks"
        )


def _change(recognized: Recognized, data: DataSettings) -> dict[str, Any]:
    """The settings that fit what is there and differ from the ones given."""
    path = join_path(data.path or "", recognized.below)
    fitting = {"path": path, "photos": None, "masks": None, **layout_settings(recognized)}
    return {key: value for key, value in fitting.items() if getattr(data, key) != value}


def _helps(change: dict[str, Any], data: DataSettings) -> bool:
    """Whether the pairs can be listed with a change, and each split has one."""
    changed = data.model_copy(update=change)
    if unpacks(changed.format):
        return True
    with tempfile.TemporaryDirectory() as scratch:
        try:
            check_listing(list_pairs(changed, f"{scratch}/unpacked"), changed)
        except UserError:
            return False
    return True
