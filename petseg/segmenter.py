"""A saved model as a function from photos to masks: of this release, and of earlier ones."""

import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from petseg.class_table import ClassTable
from petseg.photo_settings import PhotoSettings
from petseg.saved_model import EXPORT_FILE, EXTRA_FOLDER, MODEL_SETTINGS
from petseg.tf_photo import decode_photo

FIRST_VERSION_WITH_EXIF = 2


@dataclass(frozen=True)
class Prediction:
    """The prediction for one photo, at native resolution, upright.

    Attributes:
        mask_png: PNG with one channel of the classes' values.
        class_shares: float32 [classes], each class's share of the pixels.
        confidence: Mean probability of the predicted classes; None for models of earlier releases.
    """

    mask_png: bytes
    class_shares: NDArray[np.float32]
    confidence: float | None

    @property
    def values(self) -> NDArray[np.uint8]:
        """The mask, uint8 [h, w]: the value of the predicted class of each pixel."""
        return np.asarray(Image.open(io.BytesIO(self.mask_png)))


class Segmenter:
    """Calls the signature `serving_default` of a saved model.

    Attributes:
        classes: Its class table.
        photos: How the photo files that it was trained on are read.
    """

    def __init__(self, folder: str):
        """Loads a SavedModel that this project exported."""
        with tf.io.gfile.GFile(os.path.join(folder, MODEL_SETTINGS)) as file:
            settings = json.loads(file.read())
        self.classes = ClassTable.model_validate(settings["classes"])
        self.photos = PhotoSettings.model_validate(settings.get("photos", {}))
        # Signatures hold no reference to the variables.
        self._model = tf.saved_model.load(folder)
        self._signature = self._model.signatures["serving_default"]
        self._answers_class_ids = "mask_png" in self._signature.structured_outputs
        self._turns_photos = not obeys_exif(folder)

    @property
    def evaluate(self) -> Any:
        """The signature `evaluate`."""
        return self._model.signatures["evaluate"]

    def __call__(self, photos: Sequence[bytes]) -> list[Prediction]:
        """Segments JPEG, PNG, BMP and GIF files of any size.

        Raises:
            tf.errors.InvalidArgumentError: One of them is no such file.
        """
        if self._answers_class_ids:
            return self._call_earlier_release(photos)
        outputs = self._signature(image_bytes=tf.constant(list(photos), tf.string))
        return [
            Prediction(png, shares, float(confidence))
            for png, shares, confidence in zip(
                outputs["mask_png_bytes"].numpy(),
                outputs["class_shares"].numpy(),
                outputs["confidence"].numpy(),
                strict=True,
            )
        ]

    def _call_earlier_release(self, photos: Sequence[bytes]) -> list[Prediction]:
        """Its masks hold class ids, and the first release's lie as the camera stored the photo."""
        if self._turns_photos:
            photos = [tf.io.encode_png(decode_photo(tf.constant(photo))).numpy() for photo in photos]
        outputs = self._signature(image_bytes=tf.constant(list(photos), tf.string))
        return [self._of_class_ids(png) for png in outputs["mask_png"].numpy()]

    def _of_class_ids(self, png: bytes) -> Prediction:
        ids = np.asarray(Image.open(io.BytesIO(png)))
        counts = np.bincount(ids.ravel(), minlength=len(self.classes))
        encoded = io.BytesIO()
        Image.fromarray(np.array(self.classes.values, np.uint8)[ids]).save(encoded, "PNG", compress_level=1)
        return Prediction(encoded.getvalue(), (counts / ids.size).astype(np.float32), None)


def obeys_exif(folder: str) -> bool:
    """Whether a model's signatures obey a JPEG's EXIF orientation; those of the first release do not."""
    file = os.path.join(folder, EXTRA_FOLDER, EXPORT_FILE)
    if not tf.io.gfile.exists(file):
        return False
    with tf.io.gfile.GFile(file) as content:
        return bool(json.loads(content.read())["version"] >= FIRST_VERSION_WITH_EXIF)
