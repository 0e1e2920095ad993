"""The most probable class at native resolution: every way to compute it gives the same, in little memory."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.many_classes import measure_apart
from tests.trainer.expected_predictions import resize_bilinearly
from trainer.export.most_probable import FEW_CLASSES, in_strips, most_probable_at

ANY_SIZE = [tf.TensorSpec([None, None, 11], tf.float32), tf.TensorSpec([2], tf.int32)]
SIZES = [(1, 1), (1, 200), (200, 1), (3, 5), (32, 32), (33, 47), (97, 130), (256, 255)]


def random_probabilities(seed: int, height: int, width: int, classes: int) -> np.ndarray:
    """Softmax of smooth scores: from hardly decided to nearly sure."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 1, (rng.integers(1, 9), rng.integers(1, 9), classes)).astype(np.float32)
    scores = tf.image.resize(coarse, (height, width), method="bicubic") * rng.choice([0.01, 1, 30])
    return tf.nn.softmax(scores).numpy()


def whole(probabilities: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of all classes at native resolution at once."""
    resized = tf.image.resize(probabilities, size).numpy()
    return resized.argmax(axis=-1), resized.max(axis=-1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("strip_bytes", [1, 50_000, 16 * 2**20])
def test_strips_equal_the_resized_whole(size, strip_bytes):
    computed = tf.function(lambda given, to: in_strips(given, to, strip_bytes), input_signature=ANY_SIZE)
    for seed, given in enumerate([(32, 32), (32, 64), (1, 7), (21, 1), (1, 1)]):
        probabilities = random_probabilities(seed, *given, 11)
        ids, best = computed(probabilities, size)
        expected_ids, expected_best = whole(probabilities, size)
        np.testing.assert_array_equal(ids, expected_ids)
        np.testing.assert_array_equal(best, expected_best)
        assert (ids.dtype, best.dtype) == (tf.uint8, tf.float32)


@pytest.mark.parametrize("classes", [2, FEW_CLASSES, FEW_CLASSES + 1, 150, 255])
def test_any_number_of_classes_equals_numpy(classes):
    probabilities = random_probabilities(classes, 32, 64, classes)
    ids, best = most_probable_at(tf.constant(probabilities), tf.constant([75, 50]))
    expected = resize_bilinearly(probabilities, 75, 50)
    np.testing.assert_allclose(best, expected.max(axis=-1), atol=1e-5)
    chosen = np.take_along_axis(expected, ids.numpy()[..., np.newaxis].astype(int), axis=-1)[..., 0]
    np.testing.assert_allclose(chosen, expected.max(axis=-1), atol=1e-5)


@pytest.mark.parametrize("classes", [3, 20])
def test_of_equal_probabilities_the_first_class_wins(classes):
    probabilities = np.full((32, 32, classes), 1 / classes, np.float32)
    assert not most_probable_at(tf.constant(probabilities), tf.constant([45, 60]))[0].numpy().any()


def test_a_class_that_wins_only_between_pixels_is_found():
    """No given pixel has it as its most probable class, but their mean does."""
    probabilities = np.zeros((2, 2, 20), np.float32)
    probabilities[0, :, 3] = probabilities[1, :, 4] = 0.55
    probabilities[..., 9] = 0.45
    ids, _ = most_probable_at(tf.constant(probabilities), tf.constant([400, 10]))
    assert set(np.unique(ids)) == {3, 4, 9}


@pytest.mark.parametrize("signature", ["serving_default", "evaluate"])
def test_a_large_photo_of_many_classes_needs_little_memory(signature):
    """Three million pixels of 150 classes are 1.8 GB of probabilities."""
    assert measure_apart(signature, 150, 1500, 2000)["megabytes"] < 500


@pytest.mark.parametrize("signature", ["serving_default", "evaluate"])
def test_many_photos_of_many_classes_need_little_memory(signature):
    """At model resolution, 256 px, the probabilities of 24 photos are 0.9 GB."""
    assert measure_apart(signature, 150, 240, 320, 256, 24)["megabytes"] < 700
