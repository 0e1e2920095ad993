"""Writes masks, overlays and class shares of photos, predicted by a pushed model."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from components.example_gen.readers.files import has_ending
from components.example_gen.settings import DataSettings
from petseg.class_table import ClassTable
from petseg.errors import BrokenFileError, UserError
from petseg.files.atomic import atomic_file
from petseg.files.image_file import PHOTO_ENDINGS, PHOTO_FORMATS, open_image, upright_rgb
from petseg.files.local_folder import check_writable_folder
from petseg.overlay import overlay
from petseg.saved_model import MODEL_SETTINGS
from petseg.versions import NONE, production_version
from pipeline.runs.run_log import redirect_output

MAX_PIXELS: int = DataSettings.model_fields["max_pixels"].default
SHARES_FILE = "shares.csv"


class SavedSegmenter:
    """A pushed model that segments one photo at a time.

    Attributes:
        classes: Its class table.
    """

    def __init__(self, folder: Path):
        """Loads the SavedModel of a version's folder, see `model_folder`.

        Raises:
            UserError: It cannot be loaded.
        """
        import tensorflow as tf

        self._tf = tf
        try:
            settings = json.loads((folder / MODEL_SETTINGS).read_text())
            self.classes = ClassTable.model_validate(settings["classes"])
            self._model = tf.saved_model.load(str(folder))
            self._signature = self._model.signatures["serving_default"]
        # TensorFlow and Protocol Buffers raise all kinds of errors for damaged files.
        except Exception as error:
            said = (str(error).strip().splitlines() or [""])[0]
            raise UserError(
                f"--model {folder}: the model cannot be loaded: {type(error).__name__}: {said}; it is "
                "damaged or incomplete: copy it there again, or use another version"
            ) from error

    def class_ids(self, photo: Image.Image) -> np.ndarray:
        """Class ids of an upright RGB photo, uint8 [h, w]."""
        encoded = io.BytesIO()
        photo.save(encoded, "PNG", compress_level=0)
        (mask_png,) = self._signature(image_bytes=self._tf.constant([encoded.getvalue()]))["mask_png"].numpy()
        return np.array(Image.open(io.BytesIO(mask_png)))


@dataclass(frozen=True)
class Predicted:
    """What became of the files.

    Attributes:
        unreadable: A line for each photo that cannot be read.
        skipped: Number of files in the folders that are not photos by their names.
    """

    unreadable: list[str]
    skipped: int


def predict(model: Path, images: Sequence[Path], output: Path) -> Predicted:
    """Writes a mask, an overlay and a row of `shares.csv` for each photo.

    Masks are palette PNGs at native resolution with the mask values of the class table, shown in the colors
    of the classes.

    Args:
        model: Folder of a pushed version, or of all versions.
        images: Photos and folders of photos. In a folder, hidden files and those without a photo's ending are
            skipped, as the readers of data sets do.
        output: Folder for `masks/`, `overlays/` and `shares.csv`; created if missing.

    Raises:
        UserError: There is no model or no photo, two photos have the same name, the model cannot be loaded,
            or the output cannot be written.
    """
    version = model_folder(model)
    files, skipped = _photo_files(images)
    check_writable_folder("--output", output)
    for folder in ("masks", "overlays"):
        (output / folder).mkdir(parents=True, exist_ok=True)
    with redirect_output(output / "predict.log") as terminal:
        segmenter = SavedSegmenter(version)
        unreadable: list[str] = []
        with atomic_file(output / SHARES_FILE) as table, table.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["file", *segmenter.classes.names])
            for photo_file in _with_progress(files, terminal):
                try:
                    photo = read_photo(photo_file)
                except (BrokenFileError, OSError) as error:
                    unreadable.append(f"{photo_file}: {error}")
                    continue
                rows.writerow([photo_file, *_write(photo, photo_file.stem, segmenter, output)])
    return Predicted(unreadable, skipped)


def model_folder(model: Path) -> Path:
    """Folder of a pushed version: `model` itself, or its highest version if it holds all versions.

    Raises:
        UserError: There is no pushed model.
    """
    version = production_version(model)
    folder = model / version if version != NONE else model
    if not (folder / MODEL_SETTINGS).is_file():
        raise UserError(
            f"--model {model}: no pushed model there; use the folder of a version, or serving_model"
        )
    return folder


def read_photo(file: Path) -> Image.Image:
    """The upright RGB photo in a file.

    Raises:
        BrokenFileError: The file is not a readable image.
        OSError: There is no such file, or no permission to read it.
    """
    return upright_rgb(open_image(file.read_bytes(), PHOTO_FORMATS, MAX_PIXELS))


def shares(class_ids: np.ndarray, classes: ClassTable) -> dict[str, float]:
    """Each class's share of the pixels [h, w]."""
    counts = np.bincount(class_ids.ravel(), minlength=len(classes))
    return dict(zip(classes.names, (counts / class_ids.size).tolist(), strict=True))


def _photo_files(images: Sequence[Path]) -> tuple[list[Path], int]:
    """The photos, and how many other files lie in their folders."""
    files: list[Path] = []
    skipped = 0
    for path in images:
        if path.is_dir():
            entries = sorted(path.iterdir())
            files += [entry for entry in entries if has_ending(entry.name, PHOTO_ENDINGS)]
            skipped += sum(not has_ending(entry.name, PHOTO_ENDINGS) and entry.is_file() for entry in entries)
        elif path.is_file():
            files.append(path)
        else:
            raise UserError(f"--images {path}: there is no such file or folder")
    if not files:
        raise UserError(f"--images {images[0]}: no photos in it ({', '.join(PHOTO_ENDINGS)})")
    by_name: dict[str, Path] = {}
    for file in files:
        if file.stem in by_name:
            raise UserError(f"{by_name[file.stem]} and {file} would both become {file.stem}.png; rename one")
        by_name[file.stem] = file
    return files, skipped


def _with_progress(files: list[Path], terminal: Any) -> Iterator[Path]:
    with Progress(console=Console(file=terminal), transient=True) as progress:
        yield from progress.track(files, description="photos")


def _write(photo: Image.Image, name: str, segmenter: SavedSegmenter, output: Path) -> list[str]:
    """Writes mask and overlay; returns each class's share of the pixels."""
    classes = segmenter.classes
    ids = segmenter.class_ids(photo)
    with atomic_file(output / "overlays" / f"{name}.jpg") as unfinished:
        overlay(photo, ids, classes).save(unfinished, "JPEG", quality=90)
    mask = Image.fromarray(np.array(classes.values, np.uint8)[ids], "P")
    palette = np.zeros((256, 3), np.uint8)
    palette[list(classes.values)] = classes.colors
    mask.putpalette(palette.tobytes())
    with atomic_file(output / "masks" / f"{name}.png") as unfinished:
        mask.save(unfinished, "PNG")
    return [f"{share:.4f}" for share in shares(ids, classes).values()]
