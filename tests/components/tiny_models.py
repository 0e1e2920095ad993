"""Tiny raw examples, and SavedModels whose `evaluate` predicts the labels with a given share of errors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from petseg.class_table import ClassTable, SegmentationClass
from trainer.data.preprocessing import decode_mask
from trainer.export.counts import counts_shapes, photo_counts

TABLE = ClassTable(
    classes=(
        SegmentationClass(value=1, name="thing", color="#ff0000"),
        SegmentationClass(value=2, name="ground", color="#00ff00"),
        SegmentationClass(value=3, name="rim", color="#0000ff"),
    ),
    ignored_value=9,
)
MODEL_SIZE = 8
"""At model resolution, tiny models see the upper left corner of a photo, so that nothing is resized."""


def random_masks(number: int, seed: int) -> list[np.ndarray]:
    """uint8 masks of mixed sizes with all values of TABLE; the last third has no `rim`."""
    rng = np.random.default_rng(seed)
    masks = []
    for i in range(number):
        values = (1, 2, 9) if i >= number * 2 // 3 else (1, 2, 3, 9)
        height, width = rng.integers(MODEL_SIZE, 3 * MODEL_SIZE, 2)
        masks.append(rng.choice(values, (height, width)).astype(np.uint8))
    return masks


def raw_example(
    name: str,
    mask: np.ndarray,
    slices: dict[str, str],
    photo: bytes = b"a photo's bytes, which nobody here decodes",
) -> bytes:
    features = {
        "image/encoded": photo,
        "image/name": name.encode(),
        "mask/encoded": tf.io.encode_png(mask[..., None]).numpy(),
        **{key: value.encode() for key, value in slices.items()},
    }
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                for key, value in features.items()
            }
        )
    ).SerializeToString()


def write_split(folder: Path, records: list[bytes], shards: int = 1) -> None:
    folder.mkdir(parents=True)
    for shard in range(shards):
        path = folder / f"data_tfrecord-{shard:05d}-of-{shards:05d}.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for record in records[shard::shards]:
                writer.write(record)


def count(labels: np.ndarray, wrong: float, constant: bool = False) -> np.ndarray:
    """NumPy's counts [C, C] of the predictions of a tiny model for the mask values `labels`."""
    ids = {value: class_id for class_id, value in enumerate(TABLE.values)}
    counts = np.zeros((len(TABLE), len(TABLE)), np.int64)
    for (row, column), value in np.ndenumerate(labels):
        if value in ids:
            is_wrong = row * labels.shape[1] + column < wrong * labels.size
            prediction = 0 if constant else (ids[value] + is_wrong) % len(TABLE)
            counts[ids[value], prediction] += 1
    return counts


def class_ids(mask: np.ndarray) -> np.ndarray:
    """Class ids of mask values, as the models see them."""
    return decode_mask(tf.io.encode_png(mask[..., None]), TABLE).numpy()


CONFIDENCE = 0.9
"""A tiny model's confidence in every pixel."""


class TinyModel(tf.Module):
    """Predicts the labels, but for the first `wrong` share of a photo's pixels the next class."""

    def __init__(self, wrong: float, constant: bool):
        super().__init__()
        self.wrong = tf.Variable(wrong)
        self.constant = constant

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate(self, examples):
        shapes = counts_shapes(len(TABLE))
        return tf.map_fn(
            self._count,
            examples,
            fn_output_signature={
                output: tf.TensorSpec([2, *shape], tf.int64) for output, shape in shapes.items()
            },
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def evaluate_of_an_older_version(self, examples):
        return {"counts": self.evaluate(examples)["counts"]}

    def _count(self, example):
        feature = {"mask/encoded": tf.io.FixedLenFeature([], tf.string)}
        png = tf.io.parse_single_example(example, feature)["mask/encoded"]
        labels = decode_mask(png, TABLE)
        sizes = [self.count_ids(labels[:MODEL_SIZE, :MODEL_SIZE]), self.count_ids(labels)]
        return {output: tf.stack([counts[output] for counts in sizes]) for output in sizes[0]}

    def count_ids(self, labels):
        """Its counts of class ids [h, w]."""
        index = tf.reshape(tf.range(tf.size(labels)), tf.shape(labels))
        is_wrong = tf.cast(index, tf.float32) < self.wrong * tf.cast(tf.size(labels), tf.float32)
        prediction = (labels + tf.cast(is_wrong, tf.uint8)) % len(TABLE)
        prediction = tf.zeros_like(labels) if self.constant else prediction
        return photo_counts(labels, prediction, tf.fill(tf.shape(labels), CONFIDENCE), len(TABLE))


def save_model(
    folder: Path, wrong: float = 0.0, constant: bool = False, classes: ClassTable = TABLE, old: bool = False
) -> None:
    """Saves a TinyModel as the project's SavedModels are saved: with its settings beside it.

    An old one is what versions of the project exported that knew confusion counts only.
    """
    model = TinyModel(wrong, constant)
    signature = model.evaluate_of_an_older_version if old else model.evaluate
    save_as_exported(model, folder, {"evaluate": signature}, classes)


def save_as_exported(
    model: tf.Module,
    folder: Path,
    signatures: dict[str, Any],
    classes: ClassTable = TABLE,
    export_version: int | None = None,
) -> None:
    """Saves a model with its settings; without an export version, as the first release did."""
    tf.saved_model.save(model, str(folder), signatures=signatures)
    settings = {"classes": classes.model_dump(mode="json"), "model": {"image_size": MODEL_SIZE}}
    (folder / "assets.extra").mkdir()
    (folder / "assets.extra" / "settings.json").write_text(json.dumps(settings))
    if export_version is not None:
        (folder / "assets.extra" / "export.json").write_text(json.dumps({"version": export_version}))
