"""The examples of a run with what its model makes of them. Needs TensorFlow."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import Progress

from components.run_report.photos import WRONG, pictures
from components.run_report.templates import template_engine
from petseg.evaluation.files import PHOTOS_FILE
from petseg.evaluation.photo_counts import counts_column, read_confusion, read_counts
from petseg.files.atomic import write_atomic
from petseg.metrics.counting import CALIBRATION, CONFUSION
from pipeline.prediction.model import load_segmenter
from pipeline.runs.run_folder import RunFolder
from pipeline.suspects.coco_export import export_coco
from pipeline.suspects.examples import CountingModel, ExampleError, RawExample, read_named
from pipeline.suspects.ranking import Counted, Suspect, rank, suspect

ROWS_AT_A_TIME = 64

logger = logging.getLogger("petseg")


class EvaluatedExamples:
    """The raw examples of some splits of a run, and its model."""

    def __init__(self, run: RunFolder, model: Path, examples: Mapping[str, Path], terminal: TextIO):
        """Loads the model.

        Args:
            run: The run.
            model: Folder of its SavedModel.
            examples: Folder of the raw examples of each split.
            terminal: Where progress is shown.

        Raises:
            UserError: The model cannot be loaded, or is too old.
        """
        self._run, self._examples, self._terminal = run, examples, terminal
        self._model = load_segmenter(model, CountingModel)

    def ranked(self) -> list[Suspect]:
        """The examples of all splits, the most suspicious first.

        What the run has evaluated is taken from its photos.parquet; the model evaluates the rest.
        """
        return rank(
            suspect(split, counted, self._model.classes)
            for split, folder in self._examples.items()
            for counted in self._with_progress(split, self._evaluated(split) or self._model.count_all(folder))
        )

    def write_page(self, shown: Sequence[Suspect], file: Path) -> None:
        """Writes the page: photo, labels, prediction and their difference of each of these examples."""
        classes = self._model.classes
        drawn = {
            (split, example.name): pictures(photo, example.mask, prediction, classes)
            for split, example, photo, prediction in self._predicted(shown, "pictures")
        }
        engine = template_engine("pipeline.suspects")
        page = engine.get_template("suspects.html.jinja").render(
            run=self._run,
            splits=list(self._examples),
            cards=[(one, drawn[key]) for one in shown if (key := (one.split, one.name)) in drawn],
            colors={entry.name: entry.color for entry in classes.classes},
            wrong_color="#{:02x}{:02x}{:02x}".format(*WRONG),
        )
        write_atomic(file, page)

    def export_coco(self, shown: Sequence[Suspect], folder: Path) -> None:
        """Writes these examples with the model's proposals as a COCO data set."""
        proposed = (
            (example.name, photo, prediction)
            for _, example, photo, prediction in self._predicted(shown, "proposals")
        )
        export_coco(proposed, self._model.classes, folder)

    def _evaluated(self, split: str) -> Iterator[Counted] | None:
        """The counts in the run's photos.parquet; None if it has none of this split."""
        file = self._run.path / PHOTOS_FILE
        columns = [counts_column(output, "native") for output in (CONFUSION, CALIBRATION)]
        if split != self._run.metrics["split"] or not file.is_file():
            return None
        parquet = pq.ParquetFile(file)
        if not set(columns) <= set(parquet.schema_arrow.names):
            return None
        return self._read(parquet, ["name", *columns])

    def _read(self, photos: pq.ParquetFile, columns: list[str]) -> Iterator[Counted]:
        classes = len(self._model.classes)
        for batch in photos.iter_batches(ROWS_AT_A_TIME, columns=columns):
            rows = pa.Table.from_batches([batch])
            confusion = read_confusion(rows, "native", classes)
            calibration = read_counts(rows, CALIBRATION, "native", classes)
            for index, name in enumerate(rows["name"].to_pylist()):
                yield Counted(name, confusion[index], None if calibration is None else calibration[index])

    def _predicted(
        self, shown: Sequence[Suspect], what: str
    ) -> Iterator[tuple[str, RawExample, bytes, np.ndarray]]:
        """Split, example, upright photo and prediction; what was damaged since the evaluation is left out."""
        for split, folder in self._examples.items():
            names = {one.name for one in shown if one.split == split}
            for example in self._with_progress(what, read_named(folder, names) if names else iter(())):
                try:
                    yield split, example, *self._model.predict(example)
                except ExampleError as error:
                    logger.warning("suspects: %s is not shown: %s", example.name, error)

    def _with_progress(self, what: str, items: Iterator) -> Iterator:
        console = Console(file=self._terminal)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            yield from progress.track(items, description=what)
