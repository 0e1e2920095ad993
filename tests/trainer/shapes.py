"""Tiny examples that a tiny network learns in seconds: a bright square with a rim on a dark ground."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from trainer.data.pairs import Pairs

COLORS = np.array([[200, 180, 170], [60, 70, 80], [90, 160, 90]], np.uint8)
"""Of the classes square, ground, rim."""


def shape_pairs(number: int, size: int, seed: int = 0) -> Pairs:
    random = np.random.default_rng(seed)
    images, masks = [], []
    for _ in range(number):
        mask = np.ones((size, size), np.uint8)
        top, left = random.integers(1, size // 2, 2)
        side = size // 2 - 2
        mask[top - 1 : top + side + 1, left - 1 : left + side + 1] = 2
        mask[top : top + side, left : left + side] = 0
        noise = random.integers(-20, 21, (size, size, 1))
        images.append(np.clip(COLORS[mask].astype(int) + noise, 0, 255).astype(np.uint8))
        masks.append(mask)
    return Pairs(images, masks, [f"shape_{i:03d}" for i in range(number)])


def write_pairs(folder: Path, pairs: Pairs, shards: int = 1) -> None:
    """Writes pairs as Transform does."""
    folder.mkdir(parents=True)
    for shard in range(shards):
        with tf.io.TFRecordWriter(str(folder / f"transformed-{shard:05d}.gz"), "GZIP") as writer:
            for i in range(shard, len(pairs), shards):
                features = {
                    "image": tf.io.serialize_tensor(pairs.images[i]).numpy(),
                    "mask": tf.io.serialize_tensor(pairs.masks[i]).numpy(),
                    "image/name": pairs.names[i].encode(),
                }
                feature = {
                    key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                    for key, value in features.items()
                }
                example = tf.train.Example(features=tf.train.Features(feature=feature))
                writer.write(example.SerializeToString())


def tiny_network(
    size: int, classes: int = 3, seed: int = 1, dropout: float = 0.1, policy: str = "float32"
) -> keras.Model:
    """A network with all that is easily lost on resuming: BatchNorm, dropout and a nested encoder."""
    keras.config.set_dtype_policy(policy)
    try:
        return _tiny_network(size, classes, seed, dropout)
    finally:
        keras.config.set_dtype_policy("float32")


def _tiny_network(size: int, classes: int, seed: int, dropout: float) -> keras.Model:
    keras.utils.set_random_seed(seed)
    photos = keras.Input((size, size, 3), dtype="float32")
    x = keras.layers.Rescaling(1 / 127.5, -1.0)(photos)
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, padding="same")(x))
    encoder = keras.Model(photos, keras.layers.ReLU()(x), name="encoder")
    image = keras.Input((size, size, 3), dtype="float32")
    x = keras.layers.Dropout(dropout)(encoder(image))
    logits = keras.layers.Conv2D(classes, 3, padding="same", dtype="float32", name="logits")
    return keras.Model(image, logits(x))
