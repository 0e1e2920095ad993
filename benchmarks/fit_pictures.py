"""The guide's picture of large photos: parts of drawn photos, their ground truth, and models' predictions.

python -m benchmarks.fit_pictures --data runs/cracks --output docs/images/large_photos.jpg \
        --model "stretch=runs/demo_large_stretch/serving_model/<version>" \
        --model "tile=runs/demo_large/serving_model/<version>"
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from petseg.overlay import class_ids_of, overlay
from petseg.segmenter import Segmenter
from pipeline.sample_data.splits import default_split

PHOTOS = 3
PART = 480
SHOWN = 320
"""Sides in photos' pixels, and in the picture's."""
GAP = 6


def part_to_show(labels: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part with the most pixels that are no background."""
    rows, columns = (side // PART for side in labels.shape)
    parts = (labels[: rows * PART, : columns * PART] > 0).reshape(rows, PART, columns, PART)
    row, column = np.unravel_index(np.argmax(parts.sum(axis=(1, 3))), (rows, columns))
    left, top = int(column) * PART, int(row) * PART
    return left, top, left + PART, top + PART


def main() -> None:
    """Draws a row for each photo: the photo, the ground truth, and each model's prediction."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", action="append", required=True, help="NAME=FOLDER")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    segmenters = [Segmenter(model.partition("=")[2]) for model in arguments.model]
    classes = segmenters[0].classes
    files = sorted((arguments.data / "images").glob("*.jpg"))
    tested = [file for file in files if default_split(file.stem) == "test"][:PHOTOS]
    columns = 2 + len(segmenters)
    sheet = Image.new("RGB", (columns * (SHOWN + GAP) - GAP, PHOTOS * (SHOWN + GAP) - GAP), "white")
    for row, file in enumerate(tested):
        photo = Image.open(file).convert("RGB")
        labels = class_ids_of(np.array(Image.open(arguments.data / "masks" / f"{file.stem}.png")), classes)
        predicted = [segmenter([file.read_bytes()])[0].values for segmenter in segmenters]
        masks = [labels, *(class_ids_of(values, classes) for values in predicted)]
        pictures = [photo, *(overlay(photo, mask, classes) for mask in masks)]
        for column, picture in enumerate(pictures):
            part = picture.crop(part_to_show(labels)).resize((SHOWN, SHOWN), Image.Resampling.LANCZOS)
            sheet.paste(part, (column * (SHOWN + GAP), row * (SHOWN + GAP)))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(arguments.output, quality=85)


if __name__ == "__main__":
    main()
