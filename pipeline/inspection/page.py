"""The page of `inspect --report`: what was found, with pictures."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.example_gen.looks.classes import as_hex
from components.example_gen.looks.dataset import OpenedPair
from components.example_gen.looks.duplicates import same_photos, with_different_masks
from components.example_gen.looks.findings import edges_elsewhere
from components.example_gen.looks.fitting import wrong_size
from components.example_gen.looks.survey import Survey
from components.run_report import plots
from components.run_report.templates import template_engine
from petseg.class_colors import distinct_colors
from petseg.files.atomic import write_atomic
from pipeline.inspection.pictures import show_pair
from pipeline.inspection.terminal import mask_facts, photo_facts, printable

RANDOM_PAIRS = 12
SUSPICIOUS_PAIRS = 12
SEED = 0
OTHER_COLOR = "#9aa0a6"


def write_page(survey: Survey, summary: dict[str, Any], file: Path) -> None:
    """Writes one HTML file that needs no network.

    Args:
        survey: What was found.
        summary: The same as plain values, see `summarize`.
        file: To write; its folder is made if missing.
    """
    colors, names = _colors(survey)
    chosen = random.Random(SEED).sample(survey.opened.good, min(RANDOM_PAIRS, len(survey.opened.good)))
    by_value = {_as_shown(survey, value): color for value, color in colors.items()}
    page = (
        template_engine("pipeline.inspection")
        .get_template("inspection.html.jinja")
        .render(
            name=Path(survey.path).name,
            summary=_printable(summary),
            headline=_headline(summary),
            tone="bad" if summary["run"]["stops"] else "good",
            colors=by_value,
            legend=[{"name": names[value], "color": color} for value, color in colors.items()],
            facts=_facts(summary),
            sizes=plots.size_histogram(summary["photos"]["sizes"]) if summary["photos"] else None,
            suspicious=[
                shown
                for pair, reason in list(_suspicious(survey))[:SUSPICIOUS_PAIRS]
                if (shown := show_pair(pair, colors, names, reason))
            ],
            random=[shown for pair in chosen if (shown := show_pair(pair, colors, names))],
        )
    )
    write_atomic(file, page)


def _colors(survey: Survey) -> tuple[dict[int, str], dict[int, str]]:
    """Color and name of each value of the masks that is a class."""
    values = {
        _value_in_files(entry.value if entry.source is None else entry.source): entry.name
        for entry in survey.table.classes
    }
    if survey.table.settings.get("mask_threshold"):
        threshold = survey.table.settings["mask_threshold"]
        low, high = (entry.name for entry in survey.table.classes)
        values = {value: high if value >= threshold else low for value in survey.opened.value_pixels()}
    by_name = dict(
        zip(dict.fromkeys(values.values()), distinct_colors(len(set(values.values()))), strict=True)
    )
    return {value: by_name[name] for value, name in values.items()}, values


def _value_in_files(source: int | str) -> int:
    return int(source[1:], 16) if isinstance(source, str) else source


def _as_shown(survey: Survey, value: int) -> int | str:
    """A value as the summary has it: colors as #rrggbb."""
    is_color = any(pair.mask and pair.mask.kind == "color" for pair in survey.opened.good)
    return as_hex(value) if is_color else value


def _headline(summary: dict[str, Any]) -> str:
    if summary["format"] is None:
        return "No photos with masks are recognized"
    title = summary["title"][:1].upper() + summary["title"][1:]
    return f"{title}: a run would {'stop' if summary['run']['stops'] else 'go through'}"


def _facts(summary: dict[str, Any]) -> dict[str, str]:
    facts = {"Files": f"{summary['files']:,}, {summary['images']:,} of them images"}
    for key in ("format", "photos", "masks"):
        if key in summary["settings"]:
            facts[f"data.{key}"] = str(summary["settings"][key])
    if summary["photos"]:
        facts["Photos"] = photo_facts(summary["photos"])
    if summary["masks"]:
        facts["Masks"] = mask_facts(summary["masks"])
    return {key: printable(text) for key, text in facts.items()}


def _suspicious(survey: Survey) -> Iterator[tuple[OpenedPair, str]]:
    """Pairs to look at, with the reason, the clearest first; each once."""
    seen: set[str] = set()
    for pair, reason in _reasons(survey):
        if pair.source.name not in seen:
            seen.add(pair.source.name)
            yield pair, reason


def _reasons(survey: Survey) -> Iterator[tuple[OpenedPair, str]]:
    good = survey.opened.good
    for group in with_different_masks(same_photos(good)):
        for pair in group:
            yield pair, "the same photo is there with another mask"
    for pair in good:
        if reason := wrong_size(pair):
            yield pair, f"the mask {reason}"
    for pair in edges_elsewhere(good):
        yield pair, "the mask's edges are not the photo's"
    for pair in good:
        if pair.mask and len(pair.mask.values) == 1:
            yield pair, "the mask has one value only"
    yield from _unusual_shares(survey)


def _unusual_shares(survey: Survey) -> Iterator[tuple[OpenedPair, str]]:
    """For each class, the pair with the most of it, where that is far more than the others have."""
    for entry in survey.table.classes:
        value = _value_in_files(entry.value if entry.source is None else entry.source)
        shares = sorted(
            (pair.mask.values.get(value, 0) / sum(pair.mask.values.values()), index)
            for index, pair in enumerate(survey.opened.good)
            if pair.mask
        )
        if len(shares) >= 10 and shares[-1][0] > 3 * max(shares[-1 - len(shares) // 10][0], 0.01):
            share, index = shares[-1]
            yield survey.opened.good[index], f"{share:.0%} {entry.name}, far more than in the others"


def _printable(value: Any) -> Any:
    """The same tree, with names of files that are no text written out."""
    if isinstance(value, dict):
        return {key: _printable(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_printable(below) for below in value]
    return printable(value) if isinstance(value, str) else value
