"""Counts of one photo against SciPy and NumPy on random pictures."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage
from sklearn.metrics import confusion_matrix

from petseg.class_table import CLASS_ID_IGNORED
from petseg.metrics.counting import CONFIDENCE_BINS, CONFIDENCE_UNITS
from trainer.export.counts import counts_shapes, photo_counts
from trainer.export.counts.boundary_bands import band_radius, boundary_bands

CLASSES = 4
counted = tf.function(photo_counts, reduce_retracing=True)


def blobs(rng: np.random.Generator, height: int, width: int, ids: tuple[int, ...]) -> np.ndarray:
    """Class ids, uint8 [height, width], in patches of random size."""
    patch = rng.integers(1, 12)
    coarse = rng.choice(ids, (height // patch + 1, width // patch + 1))
    return np.kron(coarse, np.ones((patch, patch)))[:height, :width].astype(np.uint8)


def random_photo(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels with ignored pixels, prediction and confidence."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 90, 2) if seed % 4 else np.array([310, 205])
    labels = blobs(rng, *size, (*range(CLASSES), CLASS_ID_IGNORED)[: rng.integers(1, CLASSES + 2)])
    prediction = np.where(rng.random(size) < 0.7, labels, blobs(rng, *size, tuple(range(CLASSES))))
    prediction = np.where(prediction == CLASS_ID_IGNORED, 0, prediction).astype(np.uint8)
    return labels, prediction, rng.uniform(1 / CLASSES, 1, size).astype(np.float32)


def band(mask: np.ndarray, elsewhere: np.ndarray) -> np.ndarray:
    """The paper's band: a mask minus its erosion by a square, zeros around; `elsewhere` erodes nothing."""
    radius = max(1, round(0.02 * np.hypot(*mask.shape)))
    square = np.ones((2 * radius + 1, 2 * radius + 1))
    return mask & ~ndimage.binary_erosion(mask | elsewhere, square, border_value=0)


@pytest.mark.parametrize("seed", range(24))
def test_boundary_equals_scipy(seed):
    labels, prediction, confidence = random_photo(seed)
    overlaps = counted(labels, prediction, confidence, CLASSES)["boundary"].numpy()
    ignored = labels == CLASS_ID_IGNORED
    for class_id, (in_both, in_one) in enumerate(overlaps):
        true_band = band((labels == class_id) & ~ignored, ignored)
        predicted_band = band((prediction == class_id) & ~ignored, ignored)
        assert in_both == (true_band & predicted_band).sum()
        assert in_one == (true_band | predicted_band).sum()


@pytest.mark.parametrize("seed", range(24))
def test_calibration_equals_numpy(seed):
    labels, prediction, confidence = random_photo(seed)
    bins = counted(labels, prediction, confidence, CLASSES)["calibration"].numpy()
    kept = labels != CLASS_ID_IGNORED
    bins_of_pixels = np.ceil(confidence[kept] * np.float32(CONFIDENCE_BINS)).astype(int) - 1
    correct = (labels == prediction)[kept]
    for weights, column in ((None, 0), (correct, 1), (confidence[kept], 2)):
        expected = np.bincount(bins_of_pixels, weights, minlength=CONFIDENCE_BINS)
        unit = CONFIDENCE_UNITS if column == 2 else 1
        np.testing.assert_allclose(bins[:, column] / unit, expected, rtol=1e-5)


@pytest.mark.parametrize("seed", range(8))
def test_counts_equal_scikit_learn(seed):
    labels, prediction, confidence = random_photo(seed)
    kept = labels != CLASS_ID_IGNORED
    expected = np.zeros((CLASSES, CLASSES))
    if kept.any():
        expected = confusion_matrix(labels[kept], prediction[kept], labels=range(CLASSES))
    np.testing.assert_array_equal(counted(labels, prediction, confidence, CLASSES)["counts"], expected)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_predicted_where_ignored_changes_anything(seed):
    labels, prediction, confidence = random_photo(seed)
    rng = np.random.default_rng(seed)
    ignored = labels == CLASS_ID_IGNORED
    other = np.where(ignored, rng.integers(0, CLASSES, labels.shape), prediction).astype(np.uint8)
    uncertain = np.where(ignored, np.float32(0.5), confidence)
    expected = counted(labels, prediction, confidence, CLASSES)
    for output, counts in counted(labels, other, uncertain, CLASSES).items():
        np.testing.assert_array_equal(counts, expected[output], output)


def test_the_correct_prediction_has_all_of_the_band():
    labels, _, confidence = random_photo(3)
    prediction = np.where(labels == CLASS_ID_IGNORED, 0, labels).astype(np.uint8)
    overlaps = counted(labels, prediction, confidence, CLASSES)["boundary"].numpy()
    np.testing.assert_array_equal(overlaps[:, 0], overlaps[:, 1])
    assert (overlaps[:, 0] > 0).any()


def test_a_mask_that_fills_the_picture_has_a_band_along_its_edge():
    """As in the paper, whose code pads with zeros before it erodes."""
    ids = np.zeros((1, 50, 80), np.uint8)
    marked = boundary_bands(ids, 3).numpy()[0]
    assert not marked[3:-3, 3:-3].any()
    assert marked.sum() == 50 * 80 - 44 * 74


@pytest.mark.parametrize(
    ("size", "radius"), [((1, 1), 1), ((15, 20), 1), ((45, 60), 2), ((375, 500), 12), ((2448, 3264), 82)]
)
def test_radius_is_the_papers(size, radius):
    """`max(1, int(round(0.02 * diagonal)))`, where Python rounds halves to even."""
    assert band_radius(tf.constant(size)) == radius


def test_ids_up_to_the_last_class_are_distinguished():
    ids = np.full((1, 9, 9), 253, np.uint8)
    ids[0, 4, 4] = 252
    marked = boundary_bands(ids, 1).numpy()[0]
    assert marked[3:6, 3:6].all()
    assert not marked[1:3, 1:8].any()


def test_confident_pixels_are_in_the_last_bin():
    """Rounding makes some probabilities a little larger than 1."""
    labels = np.zeros((1, 3), np.uint8)
    confidence = np.array([[1.0, 1.0 + 1e-6, 0.95]], np.float32)
    bins = counted(labels, labels, confidence, CLASSES)["calibration"].numpy()
    assert bins[-1, :2].tolist() == [3, 3]
    assert bins[:-1].sum() == 0


def test_shapes_are_what_they_are_said_to_be():
    counts = counted(*random_photo(1), CLASSES)
    assert {output: array.shape.as_list() for output, array in counts.items()} == counts_shapes(CLASSES)
    assert {array.dtype for array in counts.values()} == {tf.int64}
