"""The README's picture: photos of the sample with their ground truth and a pushed model's prediction.

python -m benchmarks.pictures --model runs/demo/serving_model/<version> --data runs/sample \
        --output docs/images/sample_predictions.jpg
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.pets import PETS
from petseg.overlay import class_ids_of, overlay
from petseg.segmenter import Segmenter

TILE = (216, 162)
GAP = 6
PHOTOS = 8


def sample_names(sample: Path, number: int) -> list[str]:
    """Evenly spaced names of a sample's test pairs."""
    listed = (sample / "annotations" / "test.txt").read_text().splitlines()
    names = sorted(line.split()[0] for line in listed if line)
    return names[:: max(1, len(names) // number)][:number]


def sample_labels(sample: Path, name: str) -> np.ndarray:
    """The class ids of a pair's trimap, uint8 [height, width]."""
    return class_ids_of(np.array(Image.open(sample / "annotations" / "trimaps" / f"{name}.png")), PETS)


def main() -> None:
    """Segments evenly spaced test photos and draws them in two columns of three pictures each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    names = sample_names(arguments.data, PHOTOS)
    files = [arguments.data / "images" / f"{name}.jpg" for name in names]
    predictions = Segmenter(str(arguments.model))([file.read_bytes() for file in files])

    width, height = TILE
    rows = -(-len(names) // 2)
    sheet = Image.new("RGB", (6 * (width + GAP) + 3 * GAP, rows * (height + GAP) + GAP), "white")
    for index, (name, file, prediction) in enumerate(zip(names, files, predictions, strict=True)):
        photo = Image.open(file).convert("RGB")
        labels = sample_labels(arguments.data, name)
        predicted = class_ids_of(prediction.values, PETS)
        left = GAP + (index % 2) * (3 * (width + GAP) + GAP)
        top = GAP + (index // 2) * (height + GAP)
        for column, picture in enumerate(
            (photo, overlay(photo, labels, PETS), overlay(photo, predicted, PETS))
        ):
            sheet.paste(picture.resize(TILE, Image.Resampling.LANCZOS), (left + column * (width + GAP), top))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(arguments.output, quality=88, optimize=True)
    print(arguments.output)


if __name__ == "__main__":
    main()
