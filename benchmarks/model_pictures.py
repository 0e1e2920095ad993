"""Pushed models beside each other: their answers to the same photos, and how they learned.

    python -m benchmarks.model_pictures --data runs/sample --output docs/images \
        --run "U-Net=runs/unet_mobilenetv2_128" --run "FPN=runs/fpn_mobilenetv2_128"

Each run is a folder `DIR/runs/<run id>`, or DIR for its newest, whose model has been pushed. Writes
`models.jpg`: scikit-image's photo of a cat (in the public domain) and drawn pairs of the generated sample,
with the ground truth where there is one; and `learning_curves.svg`: mean IoU on eval by epoch.
"""

import argparse
import io
import os
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import skimage.data
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.pets import PETS
from benchmarks.pictures import sample_labels, sample_names
from components.run_report.templates import number
from petseg.overlay import class_ids_of, overlay
from petseg.segmenter import Segmenter
from pipeline.runs.run_folder import HISTORY_FILE, RunFolder, find_run, read_file

SAMPLE_PHOTOS = 3
ROW_INCHES = 1.1
LABEL_INCHES = 0.9


@dataclass(frozen=True)
class Shown:
    """A photo that all models answer.

    Attributes:
        photo: The photo.
        labels: Class ids, uint8 [height, width]; None if the photo has none.
    """

    photo: Image.Image
    labels: np.ndarray | None


def photos_to_show(sample: Path) -> list[Shown]:
    """The cat, and pairs of a generated sample's test split."""
    cat = Shown(Image.fromarray(skimage.data.chelsea()), None)
    if not (sample / "annotations").is_dir():
        raise SystemExit(
            f"error: {sample}: no generated sample; make one with `pipeline_runner.py sample-data`"
        )
    names = sample_names(sample, SAMPLE_PHOTOS)
    drawn = [
        Shown(Image.open(sample / "images" / f"{name}.jpg").convert("RGB"), sample_labels(sample, name))
        for name in names
    ]
    return [cat, *drawn]


def answers(run: RunFolder, shown: list[Shown]) -> list[np.ndarray]:
    """A run's pushed model's class ids of each photo, uint8 [height, width]."""
    if run.push is None or run.push_directory is None:
        raise SystemExit(f"error: {run.path}: its model was not pushed")
    segmenter = Segmenter(os.path.join(run.push_directory, run.push["version"]))
    encoded = []
    for one in shown:
        buffer = io.BytesIO()
        one.photo.save(buffer, "PNG")
        encoded.append(buffer.getvalue())
    return [class_ids_of(prediction.values, PETS) for prediction in segmenter(encoded)]


def labels_picture(one: Shown) -> Image.Image:
    """The ground truth laid over the photo; blank where there is none."""
    if one.labels is None:
        return Image.new("RGB", one.photo.size, "white")
    return overlay(one.photo, one.labels, PETS)


def draw_predictions(runs: dict[str, RunFolder], shown: list[Shown], file: Path) -> None:
    """A column per photo: itself, its ground truth, the predictions, and mean IoU on the model's own data."""
    rows = {"photo": [one.photo for one in shown], "ground truth": [labels_picture(one) for one in shown]}
    for name, run in runs.items():
        label = f"{name}\n{number(run.metrics['model']['mean_iou'], 4)}"
        rows[label] = [
            overlay(one.photo, ids, PETS) for one, ids in zip(shown, answers(run, shown), strict=True)
        ]
    widths = [one.photo.width / one.photo.height for one in shown]
    size = (ROW_INCHES * sum(widths) + LABEL_INCHES, ROW_INCHES * len(rows))
    sheet = Figure(figsize=size, layout="constrained")
    grid = sheet.subplots(len(rows), len(shown), squeeze=False, width_ratios=widths)
    for row, (label, pictures) in enumerate(rows.items()):
        grid[row, 0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
        for column, picture in enumerate(pictures):
            axes = grid[row, column]
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
            axes.imshow(picture)
    sheet.savefig(file, dpi=150, pil_kwargs={"quality": 88, "optimize": True})


def draw_curves(runs: dict[str, RunFolder], file: Path) -> None:
    """Mean IoU on eval by epoch, a line a run."""
    sheet = Figure(figsize=(8, 4.5), layout="constrained")
    axes = sheet.subplots()
    axes.set_prop_cycle(color=matplotlib.color_sequences["tab20"])
    for name, run in runs.items():
        history = read_file(run.path / HISTORY_FILE)
        if history is None:
            raise SystemExit(f"error: {run.path}: no {HISTORY_FILE} in it; run again")
        axes.plot([entry["epoch"] for entry in history], [entry["mean_iou"] for entry in history], label=name)
    axes.set(xlabel="epoch", ylabel="mean IoU on eval")
    axes.grid(linewidth=0.6)
    axes.legend(loc="lower right", fontsize=8)
    sheet.savefig(file, metadata={"Date": None})


def draw(runs: dict[str, RunFolder], shown: list[Shown], folder: Path) -> None:
    """Writes both pictures into a folder and prints where they are."""
    files = folder / "models.jpg", folder / "learning_curves.svg"
    folder.mkdir(parents=True, exist_ok=True)
    draw_predictions(runs, shown, files[0])
    draw_curves(runs, files[1])
    print(*files, sep="\n")


def main() -> None:
    """Draws the given runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", action="append", required=True, metavar="NAME=FOLDER")
    parser.add_argument("--data", type=Path, required=True, help="a generated sample")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    runs = {name: find_run(Path(folder)) for name, _, folder in (one.partition("=") for one in arguments.run)}
    draw(runs, photos_to_show(arguments.data), arguments.output)


if __name__ == "__main__":
    main()
