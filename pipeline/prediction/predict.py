"""Writes masks, overlays and class shares of photos, predicted by a pushed model on this machine."""

import contextlib
import csv
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.progress import Progress

from petseg.class_table import ClassTable
from petseg.errors import BrokenFileError
from petseg.files.atomic import atomic_file
from petseg.files.local_folder import check_writable_folder
from petseg.files.png_chunks import with_palette
from petseg.overlay import class_ids_of, overlay
from pipeline.prediction.formats import MaskWriter, mask_writer
from pipeline.prediction.model import load_segmenter, local_model
from pipeline.prediction.photos import Found, PhotoFile, find_photos
from pipeline.runs.run_log import redirect_output

if TYPE_CHECKING:
    from petseg.segmenter import Segmenter
    from pipeline.prediction.segmenting import Segmented

SHARES_FILE = "shares.csv"


@dataclass
class Predicted:
    """What became of the photos.

    Attributes:
        model: Folder of the version that predicted.
        output: Folder of the results.
        found: The photos, and what was left out.
        errors: Why a photo could not be predicted, by its path.
        mean_shares: Mean share of the pixels of each class, by name.
        already_done: Number of the photos that had a prediction before.
    """

    model: str
    output: str
    found: Found
    errors: dict[str, str] = field(default_factory=dict)
    mean_shares: dict[str, float] = field(default_factory=dict)
    already_done: int = 0

    @property
    def unreadable(self) -> list[str]:
        """A line for each photo that cannot be read."""
        return [f"{photo}: {error}" for photo, error in self.errors.items()]

    @property
    def skipped(self) -> int:
        """Number of files in the folders that are not photos by their names."""
        return sum(self.found.left_out.values())

    def to_json(self) -> dict[str, Any]:
        """The summary for programs."""
        return {
            "model": self.model,
            "output": self.output,
            "photos": len(self.found.photos),
            "predicted": len(self.found.photos) - len(self.errors),
            "already_done": self.already_done,
            "unreadable": self.errors,
            "left_out": self.found.left_out,
            "mean_shares": self.mean_shares,
        }


@dataclass(frozen=True)
class Outputs:
    """What is written beside masks and shares.

    Attributes:
        overlays: Whether each photo with its mask drawn over it is written.
        formats: Further formats of the masks, see `pipeline.prediction.formats`.
    """

    overlays: bool = True
    formats: tuple[str, ...] = ()


ALL = Outputs()


def predict(
    model: str | Path, images: Sequence[str | Path], output: Path, outputs: Outputs = ALL
) -> Predicted:
    """Writes a mask, an overlay and a row of `shares.csv` for each photo.

    Masks are palette PNGs at native resolution with the mask values of the class table, shown in the colors
    of the classes. The folders below `masks/` and `overlays/` are those of the photos.

    Args:
        model: Folder or URL of a pushed version, or of all versions.
        images: Photos and folders of photos, see `find_photos`.
        output: Folder for `masks/`, `overlays/` and `shares.csv`; created if missing.
        outputs: What else is written.

    Raises:
        UserError: There is no model or no photo, two photos have the same name, the model cannot be loaded,
            or the output cannot be written.
    """
    version = local_model(str(model))
    found = find_photos([str(path) for path in images])
    check_writable_folder("--output", output)
    output.mkdir(parents=True, exist_ok=True)
    predicted = Predicted(str(version), str(output), found)
    with redirect_output(output / "predict.log") as terminal:
        segmenter = load_segmenter(version)
        from pipeline.prediction.segmenting import segment_all

        with contextlib.ExitStack() as stack:
            writers = [
                stack.enter_context(mask_writer(name, output, segmenter.classes)) for name in outputs.formats
            ]
            threads = stack.enter_context(ThreadPoolExecutor(2))
            write = _ResultFiles(output, segmenter, outputs.overlays, writers)
            photos = _with_progress(found.photos, terminal)
            results = _written(write, segment_all(photos, segmenter), threads)
            _write_table(output / SHARES_FILE, segmenter.classes, results, predicted)
    return predicted


@dataclass(frozen=True)
class _Row:
    photo: PhotoFile
    shares: Any
    confidence: float | None
    error: str = ""


class _ResultFiles:
    """Writes the files of each photo, in threads."""

    def __init__(self, output: Path, segmenter: "Segmenter", overlays: bool, writers: Sequence[MaskWriter]):
        self.writers = writers
        self._output = output
        self._classes, self._photos = segmenter.classes, segmenter.photos
        self._overlays = overlays
        classes = segmenter.classes
        self._palette = dict(zip(classes.values, classes.colors, strict=True))

    def __call__(self, result: "Segmented") -> tuple[_Row, list[Any]]:
        photo, prediction = result.photo, result.prediction
        if prediction is None:
            return _Row(photo, None, None, result.error), []
        try:
            if self._overlays:
                ids = class_ids_of(prediction.values, self._classes)
                picture = overlay(result.picture(self._photos), ids, self._classes)
                with self._file("overlays", f"{photo.name}.jpg") as unfinished:
                    picture.save(unfinished, "JPEG", quality=90)
        except BrokenFileError as error:
            return _Row(photo, None, None, str(error)), []
        with self._file("masks", f"{photo.name}.png") as unfinished:
            unfinished.write_bytes(with_palette(prediction.mask_png, self._palette))
        encoded = [writer.encode(photo, prediction.values) for writer in self.writers]
        return _Row(photo, prediction.class_shares, prediction.confidence), encoded

    def _file(self, folder: str, name: str) -> contextlib.AbstractContextManager[Path]:
        return atomic_file(self._output / folder / name, synced=False)


def _written(
    write: _ResultFiles, results: Iterable["Segmented"], threads: ThreadPoolExecutor
) -> Iterator[_Row]:
    from pipeline.prediction.segmenting import in_order

    for row, encoded in in_order(write, results, threads):
        for writer, content in zip(write.writers, encoded, strict=False):
            writer.write(content)
        yield row


def _write_table(file: Path, classes: ClassTable, rows: Iterable[_Row], predicted: Predicted) -> None:
    """Writes shares.csv, and sums up what it holds."""
    total, count = np.zeros(len(classes)), 0
    with atomic_file(file) as unfinished, unfinished.open("w", newline="") as table:
        lines = csv.writer(table)
        lines.writerow(["file", *classes.names, "confidence"])
        for row in rows:
            if row.error:
                predicted.errors[str(row.photo)] = row.error
                continue
            total, count = total + row.shares, count + 1
            confidence = "" if row.confidence is None else f"{row.confidence:.4f}"
            lines.writerow([row.photo, *(f"{share:.4f}" for share in row.shares), confidence])
    if count:
        predicted.mean_shares = dict(zip(classes.names, (total / count).round(6).tolist(), strict=True))


def _with_progress(photos: list[PhotoFile], terminal: Any) -> Iterator[PhotoFile]:
    with Progress(console=Console(file=terminal), transient=True) as progress:
        yield from progress.track(photos, description="photos")
