"""Writes a trained network as a SavedModel with the files that later nodes need, and reads it again."""

import json
import os
import tempfile
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from petseg.class_table import ClassTable
from petseg.saved_model import (
    CLASSES_FILE,
    EXPORT_FILE,
    EXPORT_VERSION,
    EXTRA_FOLDER,
    MODEL_CARD_FILE,
    REFERENCE_FILE,
    SETTINGS_FILE,
    STATISTICS_FILE,
    WEIGHTS_FILE,
)
from trainer.export.segmentation import class_ids
from trainer.export.signatures import Predictor
from trainer.models import build_model
from trainer.settings import TrainingSettings

REFERENCE_VALUES = 1 << 23
"""Most probabilities that the reference has, 32 MB: of many classes it would be larger than the network."""


def export_model(
    model: keras.Model,
    settings: TrainingSettings,
    directory: str,
    statistics: bytes | None,
    reference_images: np.ndarray,
    reference_names: Sequence[str],
    model_card: str,
    device: str = "",
) -> None:
    """Writes the SavedModel with its signatures and `assets.extra/`.

    It appears in one step, by a rename: a killed export leaves `<directory>.partial`, never half a model.

    Args:
        model: the trained network, from photos to logits.
        settings: settings of the training.
        directory: where the SavedModel goes; must not exist or be empty.
        statistics: serialized DatasetFeatureStatisticsList of the training data, or None where there is none.
        reference_images: uint8 [n, H, W, 3], eval photos at model resolution, whose predictions are stored
            for ServingCheck: with `transform.fit: tile` masks, else also probabilities, of many classes those
            of a sample of pixels.
        reference_names: their names.
        model_card: Markdown.
        device: What it was trained on, in words.
    """
    partial = f"{directory.rstrip('/')}.partial"
    if tf.io.gfile.exists(partial):
        tf.io.gfile.rmtree(partial)
    predictor = Predictor(model, settings)
    archive = keras.export.ExportArchive()
    # `track` would tie Keras' variables, and the archive ties TensorFlow's below them: each weight twice.
    for name in ("variables", "trainable_variables", "non_trainable_variables"):
        archive.add_variable_collection(name, [variable.value for variable in getattr(model, name)])
    strings = [None], tf.string
    photos = [None, None, None, 3], tf.uint8
    archive.add_endpoint(
        "serving_default", predictor.serving_default, [tf.TensorSpec(*strings, name="image_bytes")]
    )
    if predictor.has_model_resolution:
        archive.add_endpoint(
            "probabilities", predictor.model_resolution, [tf.TensorSpec(*strings, name="image_bytes")]
        )
    archive.add_endpoint("images", predictor.images, [tf.TensorSpec(*photos, name="images")])
    archive.add_endpoint("evaluate", predictor.evaluate, [tf.TensorSpec(*strings, name="examples")])
    archive.write_out(partial, verbose=False)
    with tempfile.TemporaryDirectory() as scratch:
        _write_extra(scratch, predictor, statistics, reference_images, reference_names, model_card, device)
        tf.io.gfile.makedirs(os.path.join(partial, EXTRA_FOLDER))
        for name in sorted(os.listdir(scratch)):
            tf.io.gfile.copy(os.path.join(scratch, name), os.path.join(partial, EXTRA_FOLDER, name))
    tf.io.gfile.rename(partial, directory.rstrip("/"), overwrite=True)


def _write_extra(
    folder: str,
    predictor: Predictor,
    statistics: bytes | None,
    images: np.ndarray,
    names: Sequence[str],
    model_card: str,
    device: str,
) -> None:
    """Writes the files of `assets.extra/` into a local folder: Keras writes weights to local files only."""
    predictor.model.save_weights(os.path.join(folder, WEIGHTS_FILE))
    texts = {
        SETTINGS_FILE: predictor.settings.model_dump_json(indent=2),
        CLASSES_FILE: json.dumps(class_list(predictor.settings.classes), indent=2),
        MODEL_CARD_FILE: model_card,
        EXPORT_FILE: json.dumps({"version": EXPORT_VERSION, "device": device}),
    }
    for name, text in texts.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    if statistics is not None:
        with open(os.path.join(folder, STATISTICS_FILE), "wb") as file:
            file.write(statistics)
    # PNG is lossless, so the SavedModel must return exactly the predictions of the trainer.
    encoded = [tf.io.encode_png(image).numpy() for image in images]
    native = tf.function(predictor.serving_default)(tf.constant(encoded, tf.string))
    if predictor.has_model_resolution:
        predicted = _at_model_resolution(predictor, images)
    else:
        masks = [tf.io.decode_png(png)[..., 0].numpy() for png in native["mask_png_bytes"]]
        predicted = {"native_mask": np.stack(masks)}
    np.savez_compressed(
        os.path.join(folder, REFERENCE_FILE),
        names=np.array(names, dtype=np.str_),
        lengths=np.array([len(image) for image in encoded], np.int64),
        bytes=np.frombuffer(b"".join(encoded), np.uint8),
        **predicted,
        class_shares=native["class_shares"].numpy(),
        confidence=native["confidence"].numpy(),
    )


def _at_model_resolution(predictor: Predictor, images: np.ndarray) -> dict[str, np.ndarray]:
    """Masks and probabilities of photos; where these are many values, of a sample of `pixels` only."""
    count, height, width = images.shape[:3]
    classes = len(predictor.settings.classes)
    most = max(1, REFERENCE_VALUES // (count * classes))
    pixels = np.sort(np.random.default_rng(0).permutation(height * width)[:most])
    is_sample = len(pixels) < height * width
    masks, kept = [], []
    for image in images:
        probabilities = predictor.probabilities(tf.constant(image[np.newaxis]))
        masks.append(class_ids(probabilities)[0].numpy())
        of_photo = probabilities[0].numpy()
        kept.append(of_photo.reshape(-1, classes)[pixels] if is_sample else of_photo)
    predicted = {"mask": np.stack(masks), "probabilities": np.stack(kept)}
    return predicted | {"pixels": pixels} if is_sample else predicted


def class_list(classes: ClassTable) -> list[dict[str, Any]]:
    """What clients need to read a mask: id, value, name and color of each class, in the order of ids."""
    return [
        {"id": index, "value": entry.value, "name": entry.name, "color": entry.color}
        for index, entry in enumerate(classes.classes)
    ]


def load_trained(directory: str) -> tuple[keras.Model, TrainingSettings]:
    """Rebuilds the Keras model of an exported SavedModel, which Keras 3 itself cannot load.

    Args:
        directory: a SavedModel that `export_model` wrote.

    Returns:
        The network with its trained weights, and the settings it was trained with.
    """
    extra = os.path.join(directory, EXTRA_FOLDER)
    with tf.io.gfile.GFile(os.path.join(extra, SETTINGS_FILE)) as file:
        settings = TrainingSettings.from_stored(file.read())
    model = build_model(settings, load_encoder_weights=False)
    with tempfile.TemporaryDirectory() as scratch:
        weights = os.path.join(scratch, WEIGHTS_FILE)
        tf.io.gfile.copy(os.path.join(extra, WEIGHTS_FILE), weights)
        model.load_weights(weights)
    return model, settings
