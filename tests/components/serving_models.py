"""Tiny SavedModels with the serving_default signature, for tests of what serves or loads models."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from petseg.tf_photo import decode_photo

SIZE = 16
CLASSES = 3


class BrightnessModel(tf.Module):
    """Dark, medium and bright pixels are its three classes.

    Args:
        disturb: Runs inside the graph on the probabilities; to make a model slow, greedy or wrong.
        decode: From a photo's bytes to its pixels [h, w, 3].
    """

    def __init__(
        self,
        disturb: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
        decode: Callable[[tf.Tensor], tf.Tensor] = decode_photo,
    ):
        super().__init__()
        self._disturb = disturb
        self._decode = decode
        self._centers = tf.Variable([40.0, 128.0, 215.0])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serving_default(self, image_bytes):
        types = (tf.float32, tf.string)
        probabilities, mask_png = tf.map_fn(self._one, image_bytes, fn_output_signature=types)
        probabilities = tf.ensure_shape(self._disturb(probabilities), [None, SIZE, SIZE, CLASSES])
        mask = tf.cast(tf.argmax(probabilities, axis=-1), tf.uint8)
        return {"mask": mask, "probabilities": probabilities, "mask_png": mask_png}

    def _one(self, content):
        photo = self._decode(content)
        photo.set_shape([None, None, 3])
        small = tf.image.resize(tf.cast(photo, tf.float32), [SIZE, SIZE], antialias=True)
        brightness = tf.reduce_mean(small, axis=-1, keepdims=True)
        probabilities = tf.nn.softmax(-tf.abs(brightness - self._centers) / 20.0)
        at_photo_size = tf.image.resize(probabilities, tf.shape(photo)[:2])
        mask = tf.cast(tf.argmax(at_photo_size, axis=-1)[..., None], tf.uint8)
        return probabilities, tf.io.encode_png(mask)


def save_model(directory: Path, model: BrightnessModel | None = None) -> Path:
    """Saves a model with the reference predictions of an undisturbed one; returns the directory."""
    model = model or BrightnessModel()
    tf.saved_model.save(model, str(directory), signatures={"serving_default": model.serving_default})
    photos = [jpeg(seed) for seed in range(2)]
    undisturbed = BrightnessModel()
    outputs = undisturbed.serving_default(tf.constant(photos))
    (directory / "assets.extra").mkdir()
    np.savez(
        directory / "assets.extra" / "reference.npz",
        lengths=np.array([len(photo) for photo in photos], np.int64),
        bytes=np.frombuffer(b"".join(photos), np.uint8),
        mask=outputs["mask"].numpy(),
        probabilities=outputs["probabilities"].numpy(),
        names=np.array(["a", "b"]),
    )
    return directory


def jpeg(seed: int, height: int = 60, width: int = 80) -> bytes:
    """A smooth random image as JPEG."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()
