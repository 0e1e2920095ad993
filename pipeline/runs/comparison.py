"""What differs between evaluated runs: metrics, slices, photos and settings, from their folders alone."""

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from petseg.class_table import ClassTable
from petseg.errors import UserError, listed
from petseg.evaluation.bootstrap import Difference, paired_difference
from petseg.evaluation.files import PHOTOS_FILE
from petseg.evaluation.photo_counts import read_overlaps, summed_counts
from petseg.evaluation.resolutions import RESOLUTIONS, Resolution
from petseg.metrics.iou import mean_iou_of_overlaps
from petseg.metrics.registry import METRICS, metric_entries
from pipeline.runs.run_folder import RunFolder

MOST_SLICES = 15
MOST_PHOTOS = 10
FOREGROUND_OF_RELEASE_0_1 = ("pet", "border")


@dataclass(frozen=True)
class EvaluatedRun:
    """A run and what its model counted on the photos that all compared runs evaluated.

    Attributes:
        letter: Name in tables: A is the first.
        run: The run's folder.
        evaluated: Number of photos that the run evaluated, common or not.
        photos: Rows of photos.parquet of the common photos, by name.
        overlaps: int64 [photos, 2, classes] at each resolution: each photo's `intersection_and_union`.
        summed: Counts by output of `evaluate` at each resolution, summed over the photos; None where the run
            did not count them.
    """

    letter: str
    run: RunFolder
    evaluated: int
    photos: pa.Table
    overlaps: dict[Resolution, NDArray[np.int64]]
    summed: dict[Resolution, dict[str, NDArray[np.int64] | None]]

    @cached_property
    def photo_scores(self) -> NDArray[np.float64]:
        """Mean IoU of each photo at native resolution."""
        return mean_iou_of_overlaps(self.overlaps["native"])


@dataclass(frozen=True)
class SliceChange:
    """How the photos that share a value of a slice feature changed, at model resolution."""

    feature: str
    value: str
    photos: int
    before: float
    after: float
    difference: Difference


@dataclass(frozen=True)
class PhotoChange:
    """How one photo changed, at native resolution."""

    name: str
    slices: list[str]
    before: float
    after: float


@dataclass(frozen=True)
class Change:
    """One run against the first.

    Attributes:
        run: The run.
        differences: Of mean IoU at each resolution.
        slices: The slices with the largest change, worst first.
        worse: Photos with the largest loss.
        better: Photos with the largest gain.
        photo_changes: float64 [photos], at native resolution.
    """

    run: EvaluatedRun
    differences: dict[Resolution, Difference]
    slices: list[SliceChange]
    worse: list[PhotoChange]
    better: list[PhotoChange]
    photo_changes: NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side, on the photos that all of them evaluated.

    Attributes:
        classes: The class table that all share.
        runs: The runs; the first is the reference.
        metrics: (resolution, title of the metric) to one value per run; NaN where it does not exist.
        settings: Settings that differ, to one value per run; None where a run lacks the setting.
        changes: Each other run against the first.
    """

    classes: ClassTable
    runs: list[EvaluatedRun]
    metrics: dict[tuple[Resolution, str], list[float]]
    settings: dict[str, list[Any]]
    changes: list[Change]

    @property
    def photos(self) -> int:
        """Number of photos compared."""
        return len(self.runs[0].photos)


def compare_runs(runs: Sequence[RunFolder], seed: int) -> Comparison:
    """Compares runs on the photos that all of them evaluated.

    Args:
        runs: Two or more; the first is the reference.
        seed: Of the bootstrap.

    Raises:
        UserError: A run has no evaluation, or the runs differ in classes or have no photo in common.
    """
    classes = _shared_classes(runs)
    evaluated = _evaluated_runs(runs, len(classes))
    return Comparison(
        classes=classes,
        runs=evaluated,
        metrics=_metrics(evaluated, classes.names, _foreground(runs[0], classes)),
        settings=_differing_settings(runs),
        changes=[_change(evaluated[0], other, seed) for other in evaluated[1:]],
    )


def _shared_classes(runs: Sequence[RunFolder]) -> ClassTable:
    tables = []
    for run in runs:
        if "data.classes.classes" not in run.settings:
            raise UserError(
                f"{run.path}: its settings.yaml has no classes; compare needs the complete folder of a run"
            )
        tables.append(ClassTable.model_validate(run.settings["data.classes.classes"]))
    for run, table in zip(runs, tables, strict=True):
        if (table.names, table.values) != (tables[0].names, tables[0].values):
            raise UserError(
                f"{run.path} has the classes {listed(table.names)}, {runs[0].path} "
                f"{listed(tables[0].names)}: only runs with the same classes can be compared"
            )
    return tables[0]


def _evaluated_runs(runs: Sequence[RunFolder], classes: int) -> list[EvaluatedRun]:
    tables = [_read_photos(run) for run in runs]
    common = set.intersection(*(set(table.column("name").to_pylist()) for table in tables))
    if not common:
        splits = ", ".join(f"{run.run_id}: {run.metrics['split']}" for run in runs)
        raise UserError(f"the runs have no evaluated photo in common ({splits})")
    outputs = {metric.counts for metric in METRICS.values()}
    evaluated = []
    for letter, run, table in zip(string.ascii_uppercase, runs, tables, strict=False):
        shared = table.filter(pa.array([name in common for name in table.column("name").to_pylist()]))
        shared = shared.sort_by("name")
        evaluated.append(
            EvaluatedRun(
                letter=letter,
                run=run,
                evaluated=len(table),
                photos=shared,
                overlaps={
                    resolution: read_overlaps(shared, resolution, classes) for resolution in RESOLUTIONS
                },
                summed={
                    resolution: {
                        output: summed_counts(shared, output, resolution, classes) for output in outputs
                    }
                    for resolution in RESOLUTIONS
                },
            )
        )
    return evaluated


def _read_photos(run: RunFolder) -> pa.Table:
    path = run.photos or run.path / PHOTOS_FILE
    if not path.is_file():
        stopped = run.metrics["model"] is None
        why = "the run stopped before its evaluation" if stopped else "run it again"
        raise UserError(f"{run.path}: no {PHOTOS_FILE} in it; {why}")
    try:
        return pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path} cannot be read: {' '.join(str(error).split())}") from None


def _metrics(
    runs: Sequence[EvaluatedRun], names: Sequence[str], foreground: Sequence[int]
) -> dict[tuple[Resolution, str], list[float]]:
    return {
        (resolution, entry.title): [entry.value(run.summed[resolution], foreground) for run in runs]
        for resolution in RESOLUTIONS
        for entry in metric_entries(names, has_foreground=bool(foreground))
    }


def _foreground(run: RunFolder, classes: ClassTable) -> list[int]:
    """Ids of the classes that the binary IoU of a run counts as foreground; none: it has no binary IoU."""
    names = run.settings.get("evaluation.foreground")
    if names is None:
        # Runs of release 0.1 left it null, which meant these two.
        names = FOREGROUND_OF_RELEASE_0_1 if set(FOREGROUND_OF_RELEASE_0_1) < set(classes.names) else ()
    return [classes.names.index(name) for name in names]


def _differing_settings(runs: Sequence[RunFolder]) -> dict[str, list[Any]]:
    keys = dict.fromkeys(key for run in runs for key in run.compared_settings)
    values = {key: [run.settings.get(key) for run in runs] for key in keys}
    return {key: of_runs for key, of_runs in values.items() if any(one != of_runs[0] for one in of_runs)}


def _change(first: EvaluatedRun, other: EvaluatedRun, seed: int) -> Change:
    photo_changes = other.photo_scores - first.photo_scores
    known = np.flatnonzero(~np.isnan(photo_changes))
    order = known[np.argsort(photo_changes[known], kind="stable")]
    moved = sorted(_slice_changes(first, other, seed), key=lambda moved: -abs(moved.difference.value))
    return Change(
        run=other,
        differences={
            resolution: paired_difference(first.overlaps[resolution], other.overlaps[resolution], seed=seed)
            for resolution in RESOLUTIONS
        },
        slices=sorted(moved[:MOST_SLICES], key=lambda moved: moved.difference.value),
        worse=[_photo(first, other, row) for row in order[:MOST_PHOTOS] if photo_changes[row] < 0],
        better=[_photo(first, other, row) for row in order[::-1][:MOST_PHOTOS] if photo_changes[row] > 0],
        photo_changes=photo_changes,
    )


def _slice_features(photos: pa.Table) -> list[str]:
    # The other columns are lists of counts.
    strings = [column.name for column in photos.schema if column.type == pa.string()]
    return [name for name in strings if name not in ("name", "split")]


def _slice_changes(first: EvaluatedRun, other: EvaluatedRun, seed: int) -> Iterator[SliceChange]:
    for feature in _slice_features(first.photos):
        values = np.array(first.photos.column(feature).to_pylist(), object)
        for value in sorted({value for value in values if value is not None}):
            chosen = values == value
            before, after = first.overlaps["model"][chosen], other.overlaps["model"][chosen]
            difference = paired_difference(before, after, seed=seed)
            # One photo cannot be resampled: its interval would be a point and look certain.
            if chosen.sum() > 1 and not np.isnan(difference.value):
                yield SliceChange(
                    feature=feature,
                    value=value,
                    photos=int(chosen.sum()),
                    before=float(mean_iou_of_overlaps(before.sum(axis=0))),
                    after=float(mean_iou_of_overlaps(after.sum(axis=0))),
                    difference=difference,
                )


def _photo(first: EvaluatedRun, other: EvaluatedRun, row: int) -> PhotoChange:
    values = first.photos.slice(row, 1).to_pylist()[0]
    return PhotoChange(
        name=values["name"],
        slices=[values[name] for name in _slice_features(first.photos) if values[name] is not None],
        before=float(first.photo_scores[row]),
        after=float(other.photo_scores[row]),
    )
