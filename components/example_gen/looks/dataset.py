"""Opens the pairs of a data set, all or a sample, and collects what they hold."""

import concurrent.futures
import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from components.example_gen.looks.alignment import edge_contrast
from components.example_gen.looks.images import (
    MaskLook,
    PhotoLook,
    in_gray_levels,
    is_gray,
    look_at_mask,
    look_at_photo,
)
from components.example_gen.looks.values import checksum, count_values, values_kept
from components.example_gen.pairs import PairSource
from components.example_gen.sources import is_rendered
from petseg.errors import BrokenFileError

MAX_BYTES = 400_000_000
SAMPLE = 1000
"""Pairs that are opened of a larger data set."""

SAMPLE_PIXELS = 1_000_000_000
"""Pixels of photos after which no further pair is opened."""

SEED = 0
BATCH = 64


@dataclass(frozen=True)
class OpenedPair:
    """A pair that was opened.

    Attributes:
        source: The pair.
        photo: What the photo holds; None if it cannot be used.
        mask: What the mask holds; None if it cannot be used.
        file: The file that is wrong, or empty.
        problem: What is wrong with it.
        edges: How well the mask's edges follow the photo's, see `edge_contrast`; None where nothing tells.
    """

    source: PairSource
    photo: PhotoLook | None = None
    mask: MaskLook | None = None
    file: str = ""
    problem: str = ""
    edges: float | None = None


@dataclass(frozen=True)
class Opened:
    """The opened pairs of a data set.

    Attributes:
        pairs: In the order of their names.
        of: Number of pairs of the data set.
    """

    pairs: tuple[OpenedPair, ...]
    of: int

    @property
    def is_sample(self) -> bool:
        """Whether some pairs were not opened."""
        return len(self.pairs) < self.of

    @property
    def good(self) -> list[OpenedPair]:
        """Pairs whose photo and mask can be decoded."""
        return [pair for pair in self.pairs if pair.photo and pair.mask]

    @property
    def broken(self) -> list[OpenedPair]:
        """Pairs that cannot be used, with the reason."""
        return [pair for pair in self.pairs if pair.problem]

    def value_pixels(self) -> Counter[int]:
        """Pixels of each mask value or color."""
        return _sum(pair.mask.values for pair in self.good if pair.mask)

    def value_masks(self) -> Counter[int]:
        """Number of masks that have each value or color."""
        return _sum(dict.fromkeys(pair.mask.values, 1) for pair in self.good if pair.mask)


def open_pairs(
    sources: Sequence[PairSource],
    most: int | None = None,
    on_pair: Callable[[int, int], None] = lambda done, all_of_them: None,
) -> Opened:
    """Opens pairs in threads; decoders release the interpreter's lock.

    Args:
        sources: All pairs.
        most: How many to open at most, drawn at random with a fixed seed; None: SAMPLE pairs, fewer of large
            photos.
        on_pair: Called with the number of opened pairs, and how many are to be opened.
    """
    wanted = SAMPLE if most is None else most
    indexes: Sequence[int] = range(len(sources))
    if len(indexes) > wanted:
        indexes = random.Random(SEED).sample(indexes, wanted)
    chosen = [sources[index] for index in indexes]
    found: list[OpenedPair] = []
    pixels = 0
    with concurrent.futures.ThreadPoolExecutor(max(4, 2 * (os.cpu_count() or 1))) as pool:
        for start in range(0, len(chosen), BATCH):
            for pair in pool.map(open_pair, chosen[start : start + BATCH]):
                found.append(pair)
                pixels += pair.photo.width * pair.photo.height if pair.photo else 0
                on_pair(len(found), len(chosen))
            if most is None and pixels > SAMPLE_PIXELS:
                break
    return Opened(_as_a_run_reads(sorted(found, key=lambda pair: pair.source.name)), len(sources))


def _as_a_run_reads(pairs: list[OpenedPair]) -> tuple[OpenedPair, ...]:
    """Palettes of grays only are read by their levels, as optimizers write gray masks; others by indices."""
    colors = {color for pair in pairs if pair.mask for color in pair.mask.palette.values()}
    if not all(map(is_gray, colors)):
        return tuple(pairs)
    return tuple(replace(pair, mask=in_gray_levels(pair.mask)) if pair.mask else pair for pair in pairs)


def open_pair(source: PairSource) -> OpenedPair:
    """Opens a photo and its mask; what is wrong is described, never raised."""
    file = source.photo_path
    photo = mask = None
    try:
        photo, upright = look_at_photo(source.photo.read(MAX_BYTES))
        file = source.mask_path
        mask, values = _mask(source, photo)
    except BrokenFileError as error:
        return OpenedPair(source, photo, mask, file, str(error))
    # A mask that lies as a turned photo is stored is not compared.
    fits = (values.shape[0] > values.shape[1]) == (photo.height > photo.width)
    return OpenedPair(source, photo, mask, edges=edge_contrast(upright, values) if fits else None)


def _mask(source: PairSource, photo: PhotoLook) -> tuple[MaskLook, np.ndarray]:
    if not is_rendered(source.mask):
        return look_at_mask(source.mask.read(MAX_BYTES))
    values = source.mask.render(photo.height, photo.width)
    height, width = values.shape
    counted = count_values(values)
    look = MaskLook(
        "", "", 8, width, height, "rendered", counted, {}, checksum(values), values_kept(values, counted)
    )
    return look, values


def _sum(parts: Iterable[dict[int, int]]) -> Counter[int]:
    total: Counter[int] = Counter()
    for part in parts:
        for value, count in part.items():
            total[value] += count
    return total
