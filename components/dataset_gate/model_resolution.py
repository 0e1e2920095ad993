"""Finds classes that training masks have at native resolution only: resized, no mask shows them any more."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.dataset_gate.settings import TrainedMasks
from petseg.errors import listed
from petseg.tf_data import PARALLEL, without_autotuning
from trainer.data.preprocessing import decode_mask, stored_mask

MASK_FEATURE = "mask/encoded"

IMAGE_SIZES = range(32, 2049, 32)
"""What model.image_size may be, in pixels."""

MASKS_TRIED = 50
"""Masks of a class on which larger sizes are tried."""

CLASSES_EXPLAINED = 4
"""Classes for which a remedy is looked for, which takes seconds."""


def vanished_classes(files: Sequence[str], trained: TrainedMasks) -> list[str]:
    """Describes each class that could not be learned because no resized mask shows it.

    Args:
        files: TFRecord files (GZIP) of the raw training examples.
        trained: The class table, and the size to which masks are resized.

    Returns:
        A sentence a class: its name, the size, and what would help; beyond a few, one sentence for the rest.
    """
    shown = np.zeros(len(trained.classes), bool)
    masks: dict[int, list[bytes]] = defaultdict(list)
    records = without_autotuning(tf.data.TFRecordDataset(list(files), compression_type="GZIP"))
    pixels = records.map(lambda record: _count_pixels(record, trained), num_parallel_calls=PARALLEL)
    for png, native, resized in pixels.as_numpy_iterator():
        shown |= resized > 0
        # Most data sets show all classes in the first few masks.
        if shown.all():
            return []
        for class_id in np.flatnonzero((native > 0) & ~shown):
            masks[class_id].append(png)
    vanished = [class_id for class_id in sorted(masks) if not shown[class_id]]
    sentences = [
        f"class {trained.classes.names[class_id]} is in {len(masks[class_id])} training masks, but not in any"
        f" {_resized(trained)}; {_remedy(masks[class_id], class_id, trained)}"
        for class_id in vanished[:CLASSES_EXPLAINED]
    ]
    others = [trained.classes.names[class_id] for class_id in vanished[CLASSES_EXPLAINED:]]
    return sentences + ([f"the same goes for {len(others)} more classes: {listed(others)}"] if others else [])


def _resized(trained: TrainedMasks) -> str:
    """How Transform resizes masks."""
    if trained.transform.get("fit") == "tile":
        return f"scaled by {trained.transform['scale']:g}"
    size = stored_mask(tf.zeros([1, 1], tf.uint8), trained.transform, trained.input_size).shape
    return f"resized to {' x '.join(map(str, size))} pixels"


def _count_pixels(record: tf.Tensor, trained: TrainedMasks) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The mask's PNG, and its pixels of each class, int32 [classes], at native resolution and resized."""
    feature = {MASK_FEATURE: tf.io.FixedLenFeature([], tf.string)}
    png = tf.io.parse_single_example(record, feature)[MASK_FEATURE]
    ids = decode_mask(png, trained.classes)
    native, resized = (
        tf.math.bincount(tf.cast(mask, tf.int32), minlength=256)[: len(trained.classes)]
        for mask in (ids, stored_mask(ids, trained.transform, trained.input_size))
    )
    return png, native, resized


def _remedy(masks: list[bytes], class_id: int, trained: TrainedMasks) -> str:
    """What would make the class visible."""
    if trained.transform.get("fit") == "tile":
        return "raise transform.scale, or leave the class out of data.classes"
    tried = [decode_mask(png, trained.classes) for png in masks[:MASKS_TRIED]]
    for side in IMAGE_SIZES:
        resized = (stored_mask(ids, trained.transform, (side, side)) for ids in tried)
        if all(tf.reduce_any(ids == class_id) for ids in resized):
            return f"set model.image_size to {side} or more, or leave the class out of data.classes"
    return (
        f"no model.image_size up to {IMAGE_SIZES[-1]} shows it in all of them: cut the photos into smaller "
        "ones, or leave the class out of data.classes"
    )
