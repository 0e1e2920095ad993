"""What is known of a pair before and after its photo and mask were read."""

import hashlib
from dataclasses import dataclass, field
from typing import Literal

from components.example_gen.sources import EncodedImage, RenderedMask
from components.example_gen.storage.spool import Spool

SPLITS = ("train", "eval", "test")

TRAINVAL = "trainval"
"""A reader's split for a list that is divided into `train` and `eval`."""

BY_NAME = "by name"
"""A reader's split for data without lists: the name decides."""

Lie = Literal["stored", "upright"]
"""How a mask lies: as the photo is stored in its file, or as viewers show it."""

KEPT_FIRST = ("test", "eval", "train")
"""What is in several splits stays in the first of these: evaluation comes before training."""


@dataclass(frozen=True)
class Note:
    """Something about one file that the user should know."""

    file: str
    reason: str


@dataclass(frozen=True)
class PairSource:
    """A pair that a reader found: its photo, its mask, and what is known without opening them.

    Attributes:
        name: The key everywhere: the photo's path below its folder without ending.
        photo: Opens to the photo's bytes.
        mask: Opens to the mask's bytes, or renders to its values.
        labels: Features of the whole photo, such as `label/breed`.
        split: One of SPLITS, TRAINVAL or BY_NAME. The pairs of a Listing have one of SPLITS.
        found_in: List or folder that names the pair, for messages.
        span: Folder of the span that the pair came with; empty where the data has no spans.
    """

    name: str
    photo: EncodedImage
    mask: EncodedImage | RenderedMask
    labels: dict[str, str] = field(default_factory=dict)
    split: str = BY_NAME
    found_in: str = ""
    span: str = ""

    @property
    def photo_path(self) -> str:
        """What messages call the photo."""
        return self._with_span(self.photo.path)

    @property
    def mask_path(self) -> str:
        """What messages call the mask."""
        return self._with_span(self.mask.path)

    def _with_span(self, path: str) -> str:
        return f"{self.span}/{path}" if self.span else path


@dataclass(frozen=True)
class LeftOut:
    """A photo that no list names, in a data set that has lists, or that no annotation file names."""

    name: str


Found = PairSource | Note | LeftOut
"""What a reader yields."""


@dataclass(frozen=True)
class Listing:
    """The pairs of a data set, and what cannot be a pair.

    Attributes:
        pairs: Pairs to be read, sorted by name; no name is there twice.
        broken: Names and files that cannot be a pair, with the reason.
        in_no_list: Names of photos that are in no list and are left out.
        newest_span: The last span; empty where the data has no spans.
        superseded: Photos of earlier spans whose name a later span has too.
        metadata_without_photo: Names in the table of `data.metadata` that no photo has.
        without_metadata: Names of pairs without a row in it.
    """

    pairs: Spool[PairSource]
    broken: tuple[Note, ...] = ()
    in_no_list: tuple[str, ...] = ()
    newest_span: str = ""
    superseded: tuple[str, ...] = ()
    metadata_without_photo: tuple[str, ...] = ()
    without_metadata: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckedPair:
    """Result of checking a pair's photo and mask. It is small, and lies in a Spool.

    Attributes:
        source: The pair.
        broken: Why the pair cannot be used, or None.
        repairs: What was changed in the photo or the mask.
        sha256: Hex digest of the photo's file.
        difference_hash: Perceptual hash of the photo, see near_duplicates.
        height: Pixels of the upright photo.
        width: Pixels of the upright photo.
        pixels: Mask pixels of each class, in the order of class ids.
        palette: How a palette mask was read: a key of `pixels.mask_values.READINGS`; else None.
        ignored: Mask pixels that are ignored.
        between: With `data.mask_threshold`, mask pixels that are neither black nor white.
        unknown: Values or colors of the mask that the class table lacks, and their pixels.
        orientation: EXIF orientation of the photo's file; 1 is upright.
        lie: How the mask lies by its size: `stored` or `upright`; None where both have it.
        turned: Whether a mask whose size does not tell is turned like its photo.
        is_as_stored: Whether the example holds the bytes of both files.
    """

    source: PairSource
    broken: Note | None = None
    repairs: tuple[Note, ...] = ()
    sha256: str = ""
    difference_hash: str = ""
    height: int = 0
    width: int = 0
    pixels: tuple[int, ...] = ()
    palette: str | None = None
    ignored: int = 0
    between: int = 0
    unknown: tuple[tuple[str, int], ...] = ()
    orientation: int = 1
    lie: Lie | None = "upright"
    turned: bool = False
    is_as_stored: bool = False

    @property
    def shares(self) -> tuple[float, ...]:
        """Share of each class among the pixels that are not ignored; the shares sum to 1."""
        return tuple(count / sum(self.pixels) for count in self.pixels)


def is_plain_path(name: str) -> bool:
    """Whether a name is text and names a file in the folder or below it, never above it."""
    is_text = not any("\ud800" <= character <= "\udfff" for character in name)
    parts = name.split("/")
    return is_text and not {"", ".", ".."} & set(parts) and not any(mark in name for mark in "\\\0")


def split_number(name: str) -> int:
    """A number from 0 to 99 that depends on the name only."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 100


def split_of_listed(name: str, eval_percent: int) -> str:
    """Splits a training list into `eval` and `train`."""
    return "eval" if split_number(name) < eval_percent else "train"


def split_of_unlisted(name: str, eval_percent: int) -> str:
    """Splits data without lists: `test` gets as much as `eval`, `train` the rest."""
    number = split_number(name)
    if number < eval_percent:
        return "eval"
    return "test" if number < 2 * eval_percent else "train"
