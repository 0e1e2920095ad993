"""Settings that photos and masks need before they fit: deep samples, and masks of another size."""

from typing import Any

from components.example_gen.looks.dataset import Opened, OpenedPair
from petseg.files.deep_samples import ALMOST_BLACK

SIDEWAYS = (5, 6, 7, 8)
SAME_SHAPE = 0.02
"""Largest relative difference of the aspect ratios of a photo and of a mask that was resized."""


def fitting_settings(opened: Opened) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Settings of `data` that the opened pairs need, and a remark on each."""
    settings: dict[str, Any] = {}
    remarks: list[str] = []
    deep = [pair.photo.samples for pair in opened.good if pair.photo and pair.photo.samples]
    if deep:
        low, high = min(low for low, _ in deep), max(high for _, high in deep)
        if isinstance(high, float):
            settings["photo_range"] = [0, 1] if low >= 0 and high <= 1 else [low, high]
            remarks.append(
                f"The photos have float samples from {low:g} to {high:g}: what is black and white?"
            )
        elif high < ALMOST_BLACK:
            settings["photo_range"] = [0, 2 ** int(high).bit_length() - 1]
            remarks.append(f"The photos have samples of at most {high} in 16 bits: is white there or higher?")
    others = [pair for pair in opened.good if wrong_size(pair)]
    if 2 * len(others) > len(opened.good) and all(map(_has_same_shape, others)):
        settings["resize_masks"] = True
        remarks.append(
            f"{len(others)} masks have another size than their photos, in the same shape, and are resized."
        )
    return settings, tuple(remarks)


def wrong_size(pair: OpenedPair) -> str | None:
    """How the sizes of a photo and its mask differ; None if they are the same, upright or as stored."""
    photo, mask = pair.photo, pair.mask
    if not photo or not mask or (mask.width, mask.height) == (photo.width, photo.height):
        return None
    if photo.orientation in SIDEWAYS and (mask.height, mask.width) == (photo.width, photo.height):
        return None
    return f"is {mask.width} x {mask.height} pixels, its photo {photo.width} x {photo.height}"


def _has_same_shape(pair: OpenedPair) -> bool:
    photo, mask = pair.photo, pair.mask
    if not photo or not mask:
        return False
    return abs(mask.width / mask.height * photo.height / photo.width - 1) <= SAME_SHAPE
