"""The photos in the report: selected by score, predicted again, drawn as thumbnails."""

import base64
import dataclasses
import io
import logging
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from components.run_report.inputs import RunInputs
from petseg.class_table import CLASS_ID_IGNORED, ClassTable
from petseg.evaluation.photo_counts import read_overlaps
from petseg.metrics.iou import iou_of_overlaps, mean_iou_of_overlaps
from petseg.overlay import class_ids_of, overlay
from petseg.segmenter import Segmenter
from petseg.shards import shard_files
from petseg.tf_data import without_autotuning
from petseg.tf_photo import decode_photo

THUMBNAIL = 256
"""Longest side in pixels."""

WRONG = (226, 41, 83)
"""RGB of pixels where the prediction differs from the ground truth."""

MOST_CLASSES = 6
"""Classes whose metrics stand beside a photo."""

logger = logging.getLogger("petseg")


@dataclasses.dataclass(frozen=True)
class PhotoCard:
    """One photo with its metrics at native resolution; images are data URIs.

    Attributes:
        name: Key of the photo.
        slices: Its value of each slice feature.
        mean_iou: Over the classes in ground truth or prediction.
        iou: Of each class; None for an absent one.
        shown: Ids of the classes that are named.
        others: How many more classes occur.
        width: Of the thumbnails in pixels.
        height: Of the thumbnails in pixels.
        photo: The photo.
        ground_truth: The photo with an overlay of the ground truth.
        prediction: The photo with an overlay of the prediction; None where the model cannot predict.
        difference: The pixels where the two differ; None where the model cannot predict.
    """

    name: str
    slices: dict[str, str]
    mean_iou: float
    iou: list[float | None]
    shown: list[int]
    others: int
    width: int
    height: int
    photo: str
    ground_truth: str
    prediction: str | None
    difference: str | None


def photo_cards(inputs: RunInputs) -> dict[str, list[PhotoCard]]:
    """Cards of the best, worst and random photos, at most `report.photos` in a group; few are one group."""
    overlaps = read_overlaps(inputs.photos, "native", len(inputs.classes))
    scores, iou = mean_iou_of_overlaps(overlaps), iou_of_overlaps(overlaps)
    groups = choose(scores, inputs.report.photos, inputs.report.seed)
    if np.count_nonzero(~np.isnan(scores)) <= 2 * inputs.report.photos:
        # Most of them would be in several groups.
        groups = {"all": choose(scores, 2 * inputs.report.photos, inputs.report.seed)["worst"]}
    names = inputs.photos.column("name").to_pylist()
    shown = {names[row] for rows in groups.values() for row in rows}
    examples = _read_examples(inputs.examples_uri, shown)
    predict = _predictor(inputs)
    slices = {feature: inputs.photos.column(feature).to_pylist() for feature in inputs.slice_features}

    def card(row: int) -> PhotoCard:
        return PhotoCard(
            name=names[row],
            slices={feature: values[row] for feature, values in slices.items() if values[row] is not None},
            mean_iou=float(scores[row]),
            iou=[None if np.isnan(value) else float(value) for value in iou[row]],
            **_classes_shown(iou[row]),
            **_predicted_pictures(examples[names[row]], predict, inputs.classes),
        )

    cards = {row: card(row) for row in sorted({row for rows in groups.values() for row in rows})}
    return {group: [cards[row] for row in rows] for group, rows in groups.items()}


def _classes_shown(iou: np.ndarray) -> dict[str, Any]:
    """Which classes a card names, by the attributes of PhotoCard: all, or of many the worst that occur."""
    if len(iou) <= MOST_CLASSES:
        return {"shown": list(range(len(iou))), "others": 0}
    occurring = [class_id for class_id in np.argsort(iou).tolist() if not np.isnan(iou[class_id])]
    return {"shown": occurring[:MOST_CLASSES], "others": len(occurring[MOST_CLASSES:])}


def choose(scores: np.ndarray, number: int, seed: int) -> dict[str, list[int]]:
    """Rows with the worst, best and random scores; random ones are sorted best first, NaN is never chosen.

    The random rows do not depend on the scores, so that reports on the same photos show the same ones.
    """
    scored = np.flatnonzero(~np.isnan(scores))
    order = scored[np.argsort(scores[scored], kind="stable")]
    random = set(np.random.default_rng(seed).permutation(scored)[:number].tolist())
    return {
        "worst": order[:number].tolist(),
        "best": order[::-1][:number].tolist(),
        "random": [row for row in order[::-1].tolist() if row in random],
    }


def _read_examples(uri: str, names: set[str]) -> dict[str, tuple[bytes, bytes]]:
    """Photo and mask of the named examples."""
    files = shard_files([os.path.join(uri, "*")])
    found = {}
    records = without_autotuning(tf.data.TFRecordDataset(files, compression_type="GZIP"))
    for record in records.as_numpy_iterator():
        example = tf.train.Example.FromString(record).features.feature
        name = example["image/name"].bytes_list.value[0].decode()
        if name in names:
            found[name] = tuple(example[key].bytes_list.value[0] for key in ("image/encoded", "mask/encoded"))
    return found


def _predictor(inputs: RunInputs) -> Callable[[bytes], np.ndarray] | None:
    """A function from a photo to its class ids [h, w]; None if the model failed in the serving check."""
    check = inputs.serving_check
    if check is not None and not check["passed"] and check["p99_seconds"] is None:
        logger.info("report: the model fails to predict, so the photos are shown without predictions")
        return None
    segmenter = Segmenter(inputs.model_dir)

    def predict(photo: bytes) -> np.ndarray:
        (prediction,) = segmenter([photo])
        return class_ids_of(prediction.values, segmenter.classes)

    return predict


def _predicted_pictures(
    example: tuple[bytes, bytes], predict: Callable[[bytes], np.ndarray] | None, classes: ClassTable
) -> dict[str, Any]:
    photo, mask = example
    return pictures(photo, mask, predict(photo) if predict else None, classes)


def pictures(
    photo_bytes: bytes, mask_bytes: bytes, prediction: np.ndarray | None, classes: ClassTable
) -> dict[str, Any]:
    """Thumbnails of an example as data URIs, by the attributes of PhotoCard, and their size.

    Args:
        photo_bytes: The encoded photo of a raw example.
        mask_bytes: Its encoded mask.
        prediction: Class ids at native resolution, uint8 [height, width]; None: no prediction is shown.
        classes: The class table.
    """
    photo = Image.fromarray(decode_photo(photo_bytes).numpy())
    photo.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    labels = class_ids_of(np.asarray(Image.open(io.BytesIO(mask_bytes))), classes)
    ground_truth = _shrunk(labels, photo.size)
    drawn = {
        "width": photo.width,
        "height": photo.height,
        "photo": _data_uri(np.asarray(photo)),
        "ground_truth": _data_uri(np.asarray(overlay(photo, ground_truth, classes))),
        "prediction": None,
        "difference": None,
    }
    if prediction is not None:
        small = _shrunk(prediction, photo.size)
        drawn["prediction"] = _data_uri(np.asarray(overlay(photo, small, classes)))
        drawn["difference"] = _data_uri(_difference(photo, ground_truth, small))
    return drawn


def _shrunk(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))


def _difference(photo: Image.Image, ground_truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """A faint gray photo [h, w, 3] with wrong pixels in color and outlines of the ground truth in white."""
    gray = np.asarray(photo.convert("L"), np.float32)[..., None]
    picture = np.repeat(30 + gray * 0.45, 3, axis=-1)
    picture[(prediction != ground_truth) & (ground_truth != CLASS_ID_IGNORED)] = WRONG
    outline = np.zeros(ground_truth.shape, bool)
    outline[:, 1:] |= ground_truth[:, 1:] != ground_truth[:, :-1]
    outline[1:] |= ground_truth[1:] != ground_truth[:-1]
    picture[outline] = 255
    return picture


def _data_uri(pixels: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=80, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
