"""`pipeline_runner.py compare`: evaluated runs side by side, in the terminal and on an HTML page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from components.run_report import plots
from components.run_report.templates import number, signed, template_engine
from petseg.errors import UserError
from petseg.evaluation.bootstrap import RESAMPLES, Difference
from petseg.evaluation.resolutions import RESOLUTION_TITLES
from petseg.files.atomic import write_atomic
from petseg.metrics.iou import IOU
from petseg.metrics.registry import METRICS
from pipeline.exporting.candidates import evaluated_runs
from pipeline.runs.comparison import Change, Comparison, compare_runs
from pipeline.runs.report_pictures import GROUND_TRUTH, report_pictures
from pipeline.runs.run_folder import HISTORY_FILE, read_file
from pipeline.runs.runs_table import short_value

MOST_RUNS = 26
MOST_PICTURED = 12
SLICES_IN_THE_TERMINAL = 8
CLASSES_IN_THE_TERMINAL = 12
"""Of more classes, those with the largest change are shown."""


def compare(paths: Sequence[Path], output: Path, seed: int, data: str | None = None) -> Group:
    """Compares runs, pushed models and exported files, writes the page, and returns what the terminal shows.

    Args:
        paths: Folders of runs, or output folders, which stand for their newest run; folders of pushed models;
            exported files.
        output: The page to write.
        seed: Of the bootstrap.
        data: Photos and masks on which all are evaluated anew; None: see `evaluated_runs`.

    Raises:
        UserError: There are not two runs to compare, or they cannot be compared.
    """
    if not 2 <= len(paths) <= MOST_RUNS:
        raise UserError(f"compare takes 2 to {MOST_RUNS} runs; received {len(paths)}")
    with evaluated_runs(paths, data) as runs:
        comparison = compare_runs(runs, seed)
    write_atomic(output, _page(comparison, seed))
    parts: list[RenderableType] = [_metrics_table(comparison)]
    parts += [_told(comparison, change) for change in comparison.changes]
    parts += [_slices_table(change) for change in comparison.changes if change.slices]
    parts.append(_settings_table(comparison))
    return Group(*(part for one in parts for part in (one, Text())), _whole(f"page     {output}"))


def left_out(comparison: Comparison) -> str:
    """Says how many photos are compared; empty if all runs evaluated the same ones."""
    if all(one.evaluated == comparison.photos for one in comparison.runs):
        return ""
    evaluated = ", ".join(f"{one.letter} evaluated {one.evaluated:,}" for one in comparison.runs)
    return f"Compared on the {comparison.photos:,} photos that all runs evaluated ({evaluated})."


def verdict(difference: Difference) -> str:
    """Says whether a difference is significant."""
    if not difference.real:
        return "not significant"
    return "better" if difference.value > 0 else "worse"


def _interval(difference: Difference) -> str:
    return (
        f"{signed(difference.value, 4)} (95% interval {signed(difference.low, 4)} to "
        f"{signed(difference.high, 4)})"
    )


def _told(comparison: Comparison, change: Change) -> Text:
    first, letter = comparison.runs[0].letter, change.run.letter
    lines = [
        f"{letter} against {first}, mean IoU at {RESOLUTION_TITLES[resolution]}: {_interval(difference)}: "
        f"{verdict(difference)}"
        for resolution, difference in change.differences.items()
    ]
    return Text("\n".join(lines))


def _plain_table(*headers: str, texts: int = 1) -> Table:
    table = Table(box=None, pad_edge=False)
    for column, header in enumerate(headers):
        table.add_column(header, justify="left" if column < texts else "right", overflow="fold")
    return table


def _metrics_table(comparison: Comparison) -> Group:
    runs = "\n".join(f"{one.letter}  {one.run.path}" for one in comparison.runs)
    letters = [one.letter for one in comparison.runs]
    against = [f"{letter} - {letters[0]}" for letter in letters[1:]]
    note = left_out(comparison) or f"{comparison.photos:,} photos"
    table = _plain_table("", "", *letters, *against, texts=2)
    # The terminal has no room for the other metrics per class.
    only_on_the_page = tuple(f"{one.title} " for one in METRICS.values() if one.per_class and one != IOU)
    shown = _titles_of_classes(comparison)
    for (resolution, title), values in comparison.metrics.items():
        if title.startswith(only_on_the_page) or (title.startswith(f"{IOU.title} ") and title not in shown):
            continue
        changes = [signed(value - values[0], 4) for value in values[1:]]
        table.add_row(RESOLUTION_TITLES[resolution], title, *(number(value, 4) for value in values), *changes)
    left_out_classes = len(comparison.classes) - len(shown)
    more = f"{left_out_classes} classes changed less; they are on the page" if left_out_classes else ""
    return Group(_whole(f"{runs}\n{note}"), table, *([Text(more)] if more else []))


def _titles_of_classes(comparison: Comparison) -> set[str]:
    """Titles of the IoU of the classes that the terminal shows: of many those that changed most."""

    def change(title: str) -> float:
        values = np.array(comparison.metrics[("native", title)])
        return float(np.nan_to_num(np.abs(values - values[0])).max())

    titles = [f"{IOU.title} {name}" for name in comparison.classes.names]
    return set(sorted(titles, key=change, reverse=True)[:CLASSES_IN_THE_TERMINAL])


def _whole(text: str) -> Text:
    """Text whose paths do not wrap at the edge of the window."""
    return Text(text, no_wrap=True, overflow="ignore")


def _slices_table(change: Change) -> Group:
    letter = change.run.letter
    title = f"Slices with the largest change, {letter} against A, mean IoU at model resolution"
    table = _plain_table("slice", "photos", "A", letter, "change", "95% interval")
    most = sorted(change.slices, key=lambda moved: -abs(moved.difference.value))[:SLICES_IN_THE_TERMINAL]
    for moved in sorted(most, key=lambda moved: moved.difference.value):
        table.add_row(
            Text(f"{moved.feature} {moved.value}"),
            f"{moved.photos:,}",
            number(moved.before, 4),
            number(moved.after, 4),
            signed(moved.difference.value, 4),
            f"{signed(moved.difference.low, 4)} to {signed(moved.difference.high, 4)}",
        )
    return Group(Text(title), table)


def _settings_table(comparison: Comparison) -> Group:
    if not comparison.settings:
        return Group(Text("The settings are the same."))
    letters = [one.letter for one in comparison.runs]
    table = _plain_table("setting", *letters, texts=1 + len(letters))
    for key, values in comparison.settings.items():
        table.add_row(Text(key), *(Text(short_value(value)) for value in values))
    return Group(Text("Settings that differ"), table)


@dataclass(frozen=True)
class PicturedPhoto:
    """A photo that is in the reports of all runs: ground truth, and prediction and score of each model."""

    name: str
    views: list[tuple[str, str]]
    scores: list[float]


def _pictured_photos(comparison: Comparison) -> list[PicturedPhoto]:
    """The photos in all reports with the largest change, worst first."""
    pictures = [report_pictures(one.run.path) for one in comparison.runs]
    names = comparison.runs[0].photos.column("name").to_pylist()
    shown = []
    for row, name in enumerate(names):
        if all("prediction" in of_run.get(name, {}) for of_run in pictures):
            first = pictures[0][name]
            predictions = [
                (one.letter, of_run[name]["prediction"])
                for one, of_run in zip(comparison.runs, pictures, strict=True)
            ]
            views = [(view, first[view]) for view in ("photo", GROUND_TRUTH)]
            scores = [float(one.photo_scores[row]) for one in comparison.runs]
            shown.append(PicturedPhoto(name, [*views, *predictions], scores))
    shown.sort(key=lambda photo: -max(abs(score - photo.scores[0]) for score in photo.scores))
    return sorted(shown[:MOST_PICTURED], key=lambda photo: photo.scores[-1] - photo.scores[0])


def _page(comparison: Comparison, seed: int) -> str:
    engine = template_engine("pipeline.runs")
    return engine.get_template("compare.html.jinja").render(
        comparison=comparison,
        headline=_headline(comparison),
        left_out=left_out(comparison),
        verdict=verdict,
        resolutions=RESOLUTION_TITLES,
        lower_is_better=[metric.title for metric in METRICS.values() if not metric.higher_is_better],
        short_value=short_value,
        curves=_curves(comparison),
        plots=[plots.change_histogram(change.photo_changes) for change in comparison.changes],
        pictured=_pictured_photos(comparison),
        resamples=RESAMPLES,
        seed=seed,
    )


def _curves(comparison: Comparison) -> plots.Plot | None:
    """Learning curves of the runs; None if no run has a history."""
    histories = {one.letter: read_file(one.run.path / HISTORY_FILE, list) for one in comparison.runs}
    kept = {letter: history for letter, history in histories.items() if history}
    return plots.compared_curves(kept) if kept else None


def _headline(comparison: Comparison) -> tuple[str, str]:
    """The result in a few words, and its tone: good, neutral or bad."""
    if len(comparison.changes) > 1:
        return f"{len(comparison.runs)} runs compared", "neutral"
    difference = comparison.changes[0].differences["model"]
    if not difference.real:
        return "No significant difference between A and B", "neutral"
    return (
        (f"B is better by {difference.value:.3f}", "good")
        if difference.value > 0
        else (f"B is worse by {-difference.value:.3f}", "bad")
    )
