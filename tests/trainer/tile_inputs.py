"""What Transform writes with `transform.fit: tile`, for trainings of seconds."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from tests.trainer.pictures import THREE_CLASSES, encode, encode_mask
from tests.trainer.shapes import shape_pairs
from tests.trainer.small_run import write_statistics
from trainer.data.preprocessing import ENCODED
from trainer.settings import TrainingSettings

SIDES = (50, 64, 80)


def tile_settings(**trainer) -> TrainingSettings:
    return TrainingSettings(
        classes=THREE_CLASSES,
        transform={"fit": "tile"},
        model={"encoder": "plain", "encoder_width": 4, "image_size": 32, "decoder_filters": (8, 8, 8, 8)},
        trainer={"epochs": 3, "batch_size": 6, "learning_rate": 0.01, "warmup_epochs": 0, "preview_photos": 1}
        | trainer,
    )


def tile_photos(seed: int, each: int = 2) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Photos of three sizes, `each` of every size, and their class ids."""
    pairs = [shape_pairs(each, side, seed) for side in SIDES]
    return [
        (f"{side}_{index:02d}", of_side.images[index], of_side.masks[index])
        for side, of_side in zip(SIDES, pairs, strict=True)
        for index in range(each)
    ]


def write_tile_inputs(folder: Path, each: int = 2, evaluated: int = 2) -> None:
    """Writes training examples, those to evaluate on, as many of every size, and statistics."""
    _write_split(folder / "examples" / "Split-train", tile_photos(0, each))
    _write_split(folder / "examples" / "Split-eval", tile_photos(1, evaluated))
    write_statistics(folder, len(SIDES) * each)


def _write_split(folder: Path, photos: list[tuple[str, np.ndarray, np.ndarray]]) -> None:
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "transformed.gz"), "GZIP") as writer:
        for name, image, mask in photos:
            files = encode(Image.fromarray(image), "PNG"), encode_mask(mask)
            features = dict(zip(ENCODED, files, strict=True)) | {"image/name": name.encode()}
            feature = {
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for key, value in features.items()
            }
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
