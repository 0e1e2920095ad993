"""Random pixels and their confusion counts, for the tests of metrics."""

import numpy as np

CLASSES = 5
FOREGROUND = [1, 3]


def random_pixels(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels and prediction of some pixels; most cases lack a class in one of the two or in both."""
    pixels = rng.integers(1, 60)
    labels = rng.choice(rng.choice(CLASSES, rng.integers(1, CLASSES + 1), replace=False), pixels)
    prediction = rng.choice(rng.choice(CLASSES, rng.integers(1, CLASSES + 1), replace=False), pixels)
    return labels, prediction


def confusion_counts(labels: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    counts = np.zeros((CLASSES, CLASSES), np.int64)
    np.add.at(counts, (labels, prediction), 1)
    return counts
