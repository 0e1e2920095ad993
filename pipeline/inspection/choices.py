"""Settings that `init` chooses from what it saw, each with the reason that it writes beside it."""

import math
import tempfile
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.example_gen.listing import list_pairs
from components.example_gen.looks.findings import broken_files, count
from components.example_gen.looks.survey import Survey
from components.example_gen.looks.values import MODEL_SIDES
from components.example_gen.pairs import SPLITS
from components.example_gen.readers import unpacks
from petseg.errors import UserError
from pipeline.inspection.expectation import MAX_BAD_FRACTION, bad_fraction

LEAST_SIDE, MOST_SIDE = 128, 256
"""A first model is neither too coarse to show anything nor slow on a CPU."""

LARGE = 2 * MOST_SIDE
"""Longer side in pixels from which photos can be worth windows."""

SEEN_WIDTH = 2.0
"""Pixels that a structure must be wide in what the network sees: half of that is lost between two pixels."""

WIDTH_IN_WINDOWS = 4.0
"""Pixels to which thin structures are scaled down in windows: more would only show less of what is around."""

SCALES = (1.0, 0.5, 0.25)

MOST_STRETCH = 1.5
"""Aspect of a photo divided by that of the input, from which stretching distorts too much."""

MOST_SQUARE = 1.4
"""Longer side of photos, in shorter ones, above which the input has their aspect: a camera's 3:2, not 4:3."""

LONGEST_INPUT = 2
"""Longer side of the input, in shorter sides: what it costs on top of a square."""

STRIDE = 32
"""Pixels of which the input's sides are multiples."""

KEPT_MASKS = 0.5
"""Share of the masks with a class in which the class must be left at the model's resolution."""

SMALL_DATA = 256
SMALL_BATCH = 8
USUAL_BATCH = 32
EPOCHS = 40

EVAL_PERCENTS = (15, 20, 25, 30, 35, 40)
FEWEST_IN_SPLIT = 3


@dataclass(frozen=True)
class Choice:
    """A value and why it was chosen."""

    value: Any
    reason: str


def choose_fit(survey: Survey) -> Choice | None:
    """`transform.fit` and with `tile` also `scale`, as a dict; None: the defaults.

    Windows where photos are large and a class is too thin to be seen in the whole photo, padding where some
    photos are wide and others high.
    """
    photos = [pair.photo for pair in survey.opened.good if pair.photo]
    if not photos:
        return None
    longer = float(np.median([max(photo.width, photo.height) for photo in photos]))
    widths = _class_widths(survey)
    thinnest = min(widths, key=lambda name: widths[name], default=None)
    if thinnest and longer > LARGE and widths[thinnest] * MODEL_SIDES[-1] / longer < SEEN_WIDTH:
        width = widths[thinnest]
        scale = min((scale for scale in SCALES if width * scale >= WIDTH_IN_WINDOWS), default=1.0)
        return Choice(
            {"fit": "tile"} | ({} if scale == 1 else {"scale": scale}),
            f"{thinnest} is about {width:.0f} pixels wide and the photos {longer:.0f}: at "
            f"{MODEL_SIDES[-1]} pixels it would be lost. tile shows the network windows of the photos",
        )
    aspects = np.sort([photo.width / photo.height for photo in photos])
    narrow, wide = np.quantile(aspects, [0.1, 0.9])
    if wide / narrow > MOST_STRETCH:
        return Choice(
            {"fit": "pad"},
            f"The photos' width is {narrow:.2g} to {wide:.2g} times their height. pad keeps their aspect",
        )
    return None


def choose_image_size(survey: Survey) -> Choice:
    """The model's input: a side, or height and width where a square would distort the photos."""
    fit = choose_fit(survey)
    if fit and fit.value["fit"] == "tile":
        return Choice(MOST_SIDE, "The size of a window")
    side = _choose_side(survey)
    aspects = [pair.photo.width / pair.photo.height for pair in survey.opened.good if pair.photo]
    aspect = float(np.median(aspects)) if aspects and not fit else 1.0
    elongation = max(aspect, 1 / aspect)
    if elongation <= MOST_SQUARE:
        return side
    longer = round(side.value * min(elongation, LONGEST_INPUT) / STRIDE) * STRIDE
    height, width = (side.value, longer) if aspect > 1 else (longer, side.value)
    return Choice([height, width], f"{side.reason}; their width is {aspect:.2g} times their height")


def _choose_side(survey: Survey) -> Choice:
    """Side of a square input: near the photos' shorter side, and large enough that every class is left."""
    photos = [pair.photo for pair in survey.opened.good if pair.photo]
    shorter = int(np.median([min(photo.width, photo.height) for photo in photos])) if photos else LEAST_SIDE
    near = min(MODEL_SIDES, key=lambda side: (abs(side - min(max(shorter, LEAST_SIDE), MOST_SIDE)), side))
    lost: list[str] = []
    for side in MODEL_SIDES:
        if side >= near:
            lost_here = _lost_at(survey, side)
            if not lost_here:
                why = f"; at {near} pixels too few masks keep {', '.join(lost)}" if lost else ""
                return Choice(side, f"the photos' shorter side is {shorter} pixels in the median{why}")
            lost = lost or lost_here
    return Choice(
        MODEL_SIDES[-1],
        f"many masks lose {', '.join(lost)} even at {MODEL_SIDES[-1]} pixels, because it is thin",
    )


def choose_eval_percent(survey: Survey) -> Choice | None:
    """`data.eval_percent` if the default leaves a split empty or training without a class; else None."""
    if unpacks(survey.settings["format"]):
        return None
    for percent in EVAL_PERCENTS:
        if _is_complete(survey, percent):
            if percent == EVAL_PERCENTS[0]:
                return None
            return Choice(
                percent, f"With {EVAL_PERCENTS[0]}, a split has too few pairs or training lacks a class"
            )
    return None


def choose_max_bad_fraction(survey: Survey) -> Choice | None:
    """`data.max_bad_fraction`, where more is broken than the default allows; None: the default."""
    fraction = bad_fraction(survey)
    if fraction <= MAX_BAD_FRACTION:
        return None
    # One more than is known: a sample may have missed some.
    known = math.ceil(100 * fraction + (5 if survey.opened.is_sample else 0)) / 100
    broken = broken_files(survey)
    verb = "is" if len(broken) == 1 else "are"
    return Choice(
        min(known, 1.0),
        f"the default, {MAX_BAD_FRACTION}, would stop the run: {count(broken, 'file')} {verb} broken",
    )


def choose_batch_size(survey: Survey) -> Choice | None:
    """`trainer.batch_size` for little data; None: the default."""
    training = sum(pair.split == "train" for pair in survey.listing.pairs) if survey.listing else 0
    if training >= SMALL_DATA:
        return None
    return Choice(SMALL_BATCH, f"there are {training} training examples only")


def constant_prediction(survey: Survey) -> tuple[str, float]:
    """The class that most pixels have, and the mean IoU of a model that predicts it everywhere."""
    shares = {entry.name: entry.share for entry in survey.table.classes}
    name = max(shares, key=lambda key: shares[key])
    return name, shares[name] / sum(shares.values()) / len(shares)


def _class_widths(survey: Survey) -> dict[str, float]:
    """Typical width in pixels of each class's areas, the median over the masks."""
    widths = {}
    for entry in survey.table.classes:
        value = _mask_value(entry)
        found = [
            pair.mask.widths[value] for pair in survey.opened.good if pair.mask and value in pair.mask.widths
        ]
        if found:
            widths[entry.name] = float(np.median(found))
    return widths


def _mask_value(entry: Any) -> Any:
    """The number that stands for a class in the looks at masks; a color is 0xRRGGBB."""
    source = entry.value if entry.source is None else entry.source
    return int(str(source)[1:], 16) if str(source).startswith("#") else source


def _lost_at(survey: Survey, side: int) -> list[str]:
    """Classes that fewer than KEPT_MASKS of their masks still have at a side."""
    lost = []
    for entry in survey.table.classes:
        value = _mask_value(entry)
        having = [pair.mask for pair in survey.opened.good if pair.mask and value in pair.mask.values]
        kept = sum(value in mask.kept.get(side, frozenset()) for mask in having)
        if kept < KEPT_MASKS * len(having):
            lost.append(entry.name)
    return lost


def _is_complete(survey: Survey, percent: int) -> bool:
    """Whether each split has a pair that can be used, and training each class, as far as was looked."""
    data = survey.data_settings().model_copy(update={"eval_percent": percent})
    with tempfile.TemporaryDirectory() as scratch:
        try:
            listing = list_pairs(data, f"{scratch}/unpacked")
        except UserError:
            return False
    split_of = {pair.name: pair.split for pair in listing.pairs}
    broken = {file for file, _ in broken_files(survey)}
    unusable = {
        pair.source.name
        for pair in survey.opened.pairs
        if pair.problem or pair.source.mask_path in broken or pair.source.photo_path in broken
    }
    counts = Counter(split for name, split in split_of.items() if name not in unusable)
    fewest = min(FEWEST_IN_SPLIT, max(1, sum(counts.values()) // 6))
    if any(counts[split] < fewest for split in SPLITS):
        return False
    good = [pair for pair in survey.opened.good if pair.source.name not in unusable]
    seen = {value for pair in good if pair.mask for value in pair.mask.values}
    training = [pair for pair in good if split_of.get(pair.source.name) == "train"]
    return survey.opened.is_sample or seen == {v for pair in training if pair.mask for v in pair.mask.values}
