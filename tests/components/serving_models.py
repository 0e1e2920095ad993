"""Tiny SavedModels with the signatures of photos, for tests of what serves or loads models."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from petseg.class_table import ClassTable
from petseg.tf_photo import decode_photo
from trainer.export.export_model import class_list

SIZE = 16
TABLE = ClassTable.model_validate(
    {
        "classes": [
            {"value": 10, "name": "dark", "color": "#ff0000"},
            {"value": 20, "name": "medium", "color": "#00ff00"},
            {"value": 30, "name": "bright", "color": "#0000ff"},
        ]
    }
)
CLASSES = len(TABLE)


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
        return tf.map_fn(
            self._native,
            (image_bytes, self._probabilities(image_bytes)),
            fn_output_signature={
                "mask_png_bytes": tf.TensorSpec([], tf.string),
                "class_shares": tf.TensorSpec([CLASSES], tf.float32),
                "confidence": tf.TensorSpec([], tf.float32),
            },
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def probabilities(self, image_bytes):
        probabilities = self._probabilities(image_bytes)
        return {"mask": tf.cast(tf.argmax(probabilities, -1), tf.uint8), "probabilities": probabilities}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serving_default_of_the_last_release(self, image_bytes):
        predicted = self.serving_default(image_bytes)
        mask_png = tf.map_fn(
            lambda png: tf.io.encode_png(tf.io.decode_png(png) // 10 - 1), predicted["mask_png_bytes"]
        )
        return self.probabilities(image_bytes) | {"mask_png": mask_png}

    def _probabilities(self, image_bytes):
        spec = tf.TensorSpec([SIZE, SIZE, CLASSES], tf.float32)
        probabilities = tf.map_fn(self._one, image_bytes, fn_output_signature=spec)
        return tf.ensure_shape(self._disturb(probabilities), [None, SIZE, SIZE, CLASSES])

    def _one(self, content):
        small = tf.image.resize(tf.cast(self._photo(content), tf.float32), [SIZE, SIZE], antialias=True)
        brightness = tf.reduce_mean(small, axis=-1, keepdims=True)
        return tf.nn.softmax(-tf.abs(brightness - self._centers) / 20.0)

    def _native(self, photo):
        content, probabilities = photo
        probabilities = tf.image.resize(probabilities, tf.shape(self._photo(content))[:2])
        ids = tf.argmax(probabilities, axis=-1)
        values = tf.gather(tf.constant(TABLE.values, tf.uint8), ids)
        shares = tf.reduce_mean(tf.one_hot(ids, CLASSES), axis=[0, 1])
        return {
            "mask_png_bytes": tf.io.encode_png(values[..., None]),
            "class_shares": shares,
            "confidence": tf.reduce_mean(tf.reduce_max(probabilities, axis=-1)),
        }

    def _photo(self, content):
        photo = self._decode(content)
        photo.set_shape([None, None, 3])
        return photo


def save_model(directory: Path, model: BrightnessModel | None = None, last_release: bool = False) -> Path:
    """Saves a model with the reference predictions of an undisturbed one; returns the directory.

    With `last_release`, its signature is what release 0.1.0 exported.
    """
    model = model or BrightnessModel()
    signatures = (
        {"serving_default": model.serving_default_of_the_last_release}
        if last_release
        else {"serving_default": model.serving_default, "probabilities": model.probabilities}
    )
    tf.saved_model.save(model, str(directory), signatures=signatures)
    photos = [jpeg(seed) for seed in range(2)]
    undisturbed = BrightnessModel()
    outputs = undisturbed.probabilities(tf.constant(photos))
    native = undisturbed.serving_default(tf.constant(photos))
    extra = directory / "assets.extra"
    extra.mkdir()
    np.savez(
        extra / "reference.npz",
        lengths=np.array([len(photo) for photo in photos], np.int64),
        bytes=np.frombuffer(b"".join(photos), np.uint8),
        mask=outputs["mask"].numpy(),
        probabilities=outputs["probabilities"].numpy(),
        class_shares=native["class_shares"].numpy(),
        confidence=native["confidence"].numpy(),
        names=np.array(["a", "b"]),
    )
    (extra / "settings.json").write_text(json.dumps({"classes": TABLE.model_dump(mode="json")}))
    if not last_release:
        (extra / "export.json").write_text(json.dumps({"version": 3}))
        (extra / "classes.json").write_text(json.dumps(class_list(TABLE)))
    return directory


def jpeg(seed: int, height: int = 60, width: int = 80) -> bytes:
    """A smooth random image as JPEG."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()
