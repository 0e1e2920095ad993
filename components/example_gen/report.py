"""Decides which pairs to keep, and reports what was read."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from components.example_gen import near_duplicates
from components.example_gen.class_findings import (
    refuse_swallowed_classes,
    unknown_in_words,
    unknown_values,
)
from components.example_gen.pairs import KEPT_FIRST, SPLITS, CheckedPair, Listing, Note
from components.example_gen.pixels.exif import ExifChoice, in_words, settle
from components.example_gen.pixels.mask_values import READINGS
from components.example_gen.settings import DataSettings
from components.example_gen.storage.spool import Spool
from petseg.class_table import ClassTable
from petseg.errors import UserError

NAMED_IN_ERROR = 10

COUNTED = ("quarantined", "repaired", "in_no_list", "single_class", "near_duplicates")

_progress = logging.getLogger("petseg")
_details = logging.getLogger(__name__)


@dataclass(frozen=True)
class Decision:
    """Which pairs are written, and which are not.

    Attributes:
        pairs: Good pairs, sorted by name.
        quarantined: Broken ones, with the reason, sorted by file.
        unknown: Values that the class table lacks, with the number of masks that have them.
        exif: How the masks of photos that EXIF turns were taken.
    """

    pairs: Spool[CheckedPair]
    quarantined: list[Note]
    unknown: dict[str, int]
    exif: ExifChoice


def decide(listing: Listing, checked: Spool[CheckedPair], data: DataSettings) -> Decision:
    """Takes out pairs that are broken, and photos that are in two splits.

    Args:
        listing: The listed pairs.
        checked: The same, checked, in the same order: sorted by name.
        data: The settings.

    Raises:
        UserError: More is broken than `data.max_bad_fraction` allows, a split is empty, a class has no pixel
            while others are ignored, or nothing tells how masks lie whose photos EXIF turns.
    """
    copies = _copies_across_splits(checked)
    quarantined = [*listing.broken, *(pair.broken for pair in checked if pair.broken), *copies.values()]
    quarantined.sort(key=lambda note: (note.file, note.reason))
    good = Spool(pair for pair in checked if not pair.broken and pair.source.name not in copies)
    for note in quarantined:
        _details.warning("quarantined: %s %s", note.file, note.reason)
    unknown = unknown_values(checked)
    _refuse_too_broken(
        quarantined,
        len(checked) + len(listing.broken),
        data.max_bad_fraction,
        unknown_in_words(unknown, data),
    )
    _refuse_empty_splits({pair.source.split for pair in good}, data.path)
    refuse_swallowed_classes(good, data.classes)
    settled, exif = settle(good, data)
    return Decision(settled, quarantined, unknown, exif)


def check_listing(listing: Listing, data: DataSettings) -> None:
    """Raises the UserError of `decide` if it is certain before a photo is opened."""
    total = len(listing.pairs) + len(listing.broken)
    _refuse_too_broken(sorted(listing.broken, key=lambda note: note.file), total, data.max_bad_fraction)
    _refuse_empty_splits({pair.split for pair in listing.pairs}, data.path)


def data_report(listing: Listing, decision: Decision, data: DataSettings) -> dict[str, Any]:
    """The content of `data_report.json`."""
    pairs = decision.pairs
    sums = _Sums(pairs, len(data.classes))
    for note in sums.repairs:
        _details.warning("repaired: %s %s", note.file, note.reason)
    report: dict[str, Any] = {
        "counts": {split: sums.pairs[split] for split in SPLITS},
        "class_shares": {split: _shares(sums.pixels[split], data.classes) for split in SPLITS},
        "quarantined": [asdict(note) for note in decision.quarantined],
        "repaired": [asdict(note) for note in sums.repairs],
        "palette_masks": dict(sorted(sums.palettes.items())),
        "unknown_values": decision.unknown,
        "exif": asdict(decision.exif),
        "between_share": sums.between / sums.mask_pixels,
        "in_no_list": list(listing.in_no_list),
        "metadata_without_photo": list(listing.metadata_without_photo),
        "without_metadata": list(listing.without_metadata),
        "newest_span": listing.newest_span or None,
        "superseded": list(listing.superseded),
        "near_duplicates": near_duplicates.across_splits(pairs),
        "single_class": sums.single_class,
        "photo_sizes": dict(sorted(sums.photo_sizes.items())),
    }
    _progress.info(
        "data: %s; quarantined %d, repaired %d, in no list or without annotation %d, masks with one class %d,"
        " near-duplicates across splits %d",
        ", ".join(f"{count} {split}" for split, count in report["counts"].items()),
        *(len(report[key]) for key in COUNTED),
    )
    for line in filter(None, (in_words(decision.exif), unknown_in_words(decision.unknown, data))):
        _progress.info("data: %s", line)
    for key, what in (
        ("metadata_without_photo", "names in data.metadata fit no photo"),
        ("without_metadata", "photos have no row in data.metadata"),
    ):
        if report[key]:
            few = ", ".join(report[key][:NAMED_IN_ERROR])
            _progress.info("data: %d %s: %s", len(report[key]), what, few)
    if data.mask_threshold is not None:
        _progress.info("data.mask_threshold: %.2f%% of pixels lie in between", 100 * report["between_share"])
    if report["palette_masks"]:
        taken = "; ".join(f"{count}: {READINGS[key]}" for key, count in report["palette_masks"].items())
        _progress.info("palette masks (data.palette): %s", taken)
    return report


class _Sums:
    """What one pass over good pairs sums up for the report."""

    def __init__(self, pairs: Iterable[CheckedPair], classes: int):
        self.pairs = Counter[str]()
        self.pixels = {split: np.zeros(classes, np.int64) for split in SPLITS}
        self.repairs: list[Note] = []
        self.palettes = Counter[str]()
        self.single_class: list[str] = []
        self.photo_sizes = Counter[str]()
        self.between = self.mask_pixels = 0
        for pair in pairs:
            self._add(pair)

    def _add(self, pair: CheckedPair) -> None:
        self.pairs[pair.source.split] += 1
        self.pixels[pair.source.split] += pair.pixels
        self.repairs.extend(pair.repairs)
        if pair.palette:
            self.palettes[pair.palette] += 1
        if np.count_nonzero(pair.pixels) == 1:
            self.single_class.append(pair.source.name)
        self.photo_sizes[f"{pair.height}x{pair.width}"] += 1
        # Of masks with a threshold, pixels that are neither black nor white.
        self.between += pair.between
        self.mask_pixels += pair.height * pair.width


def _copies_across_splits(checked: Spool[CheckedPair]) -> dict[str, Note]:
    """Pairs whose photo is byte for byte in another split too, which keeps it (KEPT_FIRST)."""
    kept: dict[str, CheckedPair] = {}
    copies: dict[str, Note] = {}
    repeated = _repeated_photos(checked)
    pairs = [pair for pair in checked if not pair.broken and _key(pair) in repeated] if repeated else []
    for pair in sorted(pairs, key=lambda pair: KEPT_FIRST.index(pair.source.split)):
        first = kept.setdefault(pair.sha256, pair)
        if first.source.split != pair.source.split:
            reason = f"is the same photo as {first.source.photo_path}, which is in {first.source.split}"
            copies[pair.source.name] = Note(
                pair.source.photo_path, f"{reason}; this one is in {pair.source.split}"
            )
    return copies


def _repeated_photos(checked: Spool[CheckedPair]) -> set[int]:
    """The keys that more than one photo has: all photos that are there more than once, and hardly others."""
    # 8 bytes a pair, where a dict of strings has hundreds.
    keys = np.sort(np.fromiter((_key(pair) for pair in checked if not pair.broken), np.uint64))
    return set(keys[1:][keys[1:] == keys[:-1]].tolist())


def _key(pair: CheckedPair) -> int:
    return int(pair.sha256[:16], 16)


def _refuse_too_broken(
    quarantined: list[Note], total: int, max_bad_fraction: float, summary: str = ""
) -> None:
    if len(quarantined) <= max_bad_fraction * total:
        return
    named = quarantined[:NAMED_IN_ERROR]
    lines = [
        f"data: {len(quarantined)} of {total} pairs are broken,"
        f" data.max_bad_fraction allows {max_bad_fraction:.1%}; the first:",
        *(f"  {note.file}: {note.reason}" for note in named),
    ]
    if len(quarantined) > len(named):
        lines.append(f"  and {len(quarantined) - len(named)} more, all of them in the log")
    if summary:
        lines.append(f"  {summary}")
    raise UserError("\n".join(lines))


def _refuse_empty_splits(found: set[str], folder: str | None) -> None:
    for split in SPLITS:
        if split not in found:
            raise UserError(
                f"data: the split `{split}` of {folder} has no usable pair, and each of {', '.join(SPLITS)} "
                "needs one: add pairs, or change the lists or data.eval_percent"
            )


def _shares(pixels: np.ndarray, classes: ClassTable) -> dict[str, float]:
    """Share of each class among the pixels that are not ignored, by the class's name."""
    return {name: float(share) for name, share in zip(classes.names, pixels / pixels.sum(), strict=True)}
