"""Looks at a data set of TensorFlow Datasets, whose examples must be unpacked. Needs TensorFlow."""

import tempfile
import warnings
from dataclasses import dataclass

from components.example_gen.listing import listing_of
from components.example_gen.looks.recognition.label_maps import LabelMap
from components.example_gen.pairs import Listing
from components.example_gen.readers import tfds
from components.example_gen.settings import DataSettings

FIRST = 500
"""Examples of each split that are unpacked."""


@dataclass(frozen=True)
class Unpacked:
    """The first examples of a data set.

    Attributes:
        listing: Their pairs.
        folder: Of their files, which are removed with this object.
        label_map: Names of the mask's values; None if its feature has none.
        remark: How many of all examples they are; empty if they are all.
    """

    listing: Listing
    folder: tempfile.TemporaryDirectory
    label_map: LabelMap | None
    remark: str


def unpack(data: DataSettings) -> Unpacked:
    """Unpacks the first examples of each split.

    Args:
        data: Settings of format tfds, without classes.

    Raises:
        UserError: The data set is damaged, or nothing says which features are photo and mask.
    """
    folder = tempfile.TemporaryDirectory(prefix="petseg_tfds_")
    with warnings.catch_warnings():
        # Of libraries about themselves, in the middle of what a person reads.
        warnings.simplefilter("ignore")
        examples, names = tfds.describe(data)
        listing = listing_of(tfds.read_first(data, f"{folder.name}/unpacked", FIRST), data)
    label_map = LabelMap("the features of the data set", names, {}) if names else None
    count = len(listing.pairs)
    remark = f"The first {count:,} of {examples:,} examples were looked at." if count < examples else ""
    return Unpacked(listing, folder, label_map, remark)
