"""Label quality from counts by confidence, against the softmin over pixels."""

import numpy as np
import pytest

from petseg.evaluation.label_quality import TEMPERATURE, label_quality
from petseg.metrics.counting import CONFIDENCE_BINS, CONFIDENCE_UNITS


def softmin(quality: np.ndarray) -> float:
    """As cleanlab computes it, pixel by pixel."""
    weights = np.exp((1 - quality) / TEMPERATURE)
    return float((quality * weights).sum() / weights.sum())


def counted(confidence: np.ndarray, is_correct: np.ndarray) -> np.ndarray:
    """What `evaluate` counts by confidence."""
    bins = np.clip(np.ceil(confidence * CONFIDENCE_BINS).astype(int) - 1, 0, CONFIDENCE_BINS - 1)
    table = np.zeros((CONFIDENCE_BINS, 3), np.int64)
    np.add.at(table[:, 0], bins, 1)
    np.add.at(table[:, 1], bins, is_correct)
    np.add.at(table[:, 2], bins, np.round(confidence * CONFIDENCE_UNITS).astype(np.int64))
    return table


@pytest.mark.parametrize("wrong", [0.0, 0.02, 0.3])
def test_is_near_the_softmin_over_pixels_of_two_classes(wrong):
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 5000)
    is_correct = rng.random(5000) >= wrong
    quality = np.where(is_correct, confidence, 1 - confidence)
    assert label_quality(counted(confidence, is_correct)) == pytest.approx(softmin(quality), abs=0.01)


def test_a_photo_with_confidently_wrong_pixels_is_below_one_with_unsure_ones():
    sure = counted(np.full(100, 0.97), np.arange(100) >= 10)
    unsure = counted(np.full(100, 0.55), np.arange(100) >= 40)
    agreeing = counted(np.full(100, 0.97), np.ones(100, bool))
    ranked = label_quality([sure, unsure, agreeing])
    assert ranked[0] < ranked[1] < ranked[2]


def test_nothing_counted_has_no_quality():
    assert np.isnan(label_quality(np.zeros((CONFIDENCE_BINS, 3), np.int64)))
