"""What a run would do with a data set, in sentences: what stops it, and what it changes and leaves out."""

from typing import Any

from components.example_gen.looks.findings import broken_files, count, exif_is_told, left_out, splits
from components.example_gen.looks.survey import Survey
from components.example_gen.settings import DataSettings
from petseg.evaluation.words import ENOUGH_EXAMPLES

KEPT_FORMATS = ("JPEG", "MPO", "PNG")
MAX_BAD_FRACTION: float = DataSettings.model_fields["max_bad_fraction"].default


def expect_of_run(survey: Survey) -> dict[str, Any]:
    """What `run` would do with the config that `init` writes by default.

    Returns:
        `stops`: reasons why it would stop; `does`: what it would do otherwise.
    """
    return {"stops": _stops(survey), "does": _does(survey)}


def _stops(survey: Survey) -> list[str]:
    if survey.recognized is None:
        return ["no photos with masks are recognized, see docs/guides/own-data.md for the formats"]
    found = [survey.problem] if survey.problem else []
    if survey.table.problem:
        found.append(survey.table.problem)
    if not survey.listing:
        return found
    fraction = bad_fraction(survey)
    if fraction > MAX_BAD_FRACTION:
        found.append(
            f"{fraction:.1%} of the pairs are broken, and data.max_bad_fraction allows {MAX_BAD_FRACTION:.0%}"
        )
    for split, pairs in splits(survey).items():
        if not pairs:
            found.append(f"the split {split} is empty: add pairs, write lists, or change data.eval_percent")
    turned = [pair for pair in survey.opened.good if pair.photo and pair.photo.orientation != 1]
    if turned and not exif_is_told(turned):
        found.append(
            "EXIF turns photos and nothing tells which way their masks lie: set data.masks_follow_exif"
        )
    return found


def bad_fraction(survey: Survey) -> float:
    """Share of the pairs that cannot be used."""
    listed = len(survey.listing.broken) if survey.listing else 0
    opened = len(broken_files(survey)) - listed
    of_opened = opened / len(survey.opened.pairs) if survey.opened.pairs else 0
    pairs = survey.opened.of
    return (listed + of_opened * pairs) / (listed + pairs) if listed + pairs else 0


def _does(survey: Survey) -> list[str]:
    if not survey.listing:
        return []
    counts = splits(survey)
    by_split = ", ".join(f"{count:,} {split}" for split, count in counts.items())
    found = [f"reads {sum(counts.values()):,} pairs: {by_split}"]
    if survey.table.classes:
        found.append(
            f"trains {len(survey.table.classes)} classes: {_some([c.name for c in survey.table.classes])}"
        )
    broken = broken_files(survey)
    if broken:
        found.append(f"leaves out {count(broken, 'pair')} with a broken file")
    if survey.listing.in_no_list:
        found.append(f"leaves out {left_out(survey)}")
    photos = [pair.photo for pair in survey.opened.good if pair.photo]
    stored = [photo for photo in photos if photo.format not in KEPT_FORMATS or photo.bits > 8]
    if stored:
        found.append(f"stores {_share(len(stored), len(photos))} photos as PNG, without loss")
    turned = sum(photo.orientation != 1 for photo in photos)
    if turned:
        found.append(f"turns {_share(turned, len(photos))} photos upright, as EXIF says")
    if 0 < counts["test"] < ENOUGH_EXAMPLES:
        tested = f"{counts['test']} test photo{'s' * (counts['test'] > 1)}"
        found.append(f"evaluates on {tested} only, so its metrics will be uncertain")
    return found


def _share(part: int, whole: int) -> str:
    return f"all {whole:,}" if part == whole else f"{part:,} of {whole:,}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
