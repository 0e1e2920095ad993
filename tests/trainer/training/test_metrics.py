import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score

from petseg.class_table import CLASS_ID_IGNORED
from trainer.export.counts import confusion_counts
from trainer.training.metrics import class_iou, mean_iou


@pytest.mark.parametrize("seed", range(3))
def test_counts_and_iou_agree_with_scikit_learn(seed):
    random = np.random.default_rng(seed)
    truth = random.integers(0, 4, (3, 8, 8)).astype(np.uint8)
    truth[random.random(truth.shape) < 0.3] = CLASS_ID_IGNORED
    prediction = random.integers(0, 4, truth.shape)
    counts = confusion_counts(truth, prediction, 4).numpy()
    counted = truth != CLASS_ID_IGNORED
    true, predicted = truth[counted], prediction[counted]
    np.testing.assert_array_equal(counts, confusion_matrix(true, predicted, labels=range(4)))
    np.testing.assert_allclose(class_iou(counts), jaccard_score(true, predicted, average=None))
    assert mean_iou(counts) == pytest.approx(jaccard_score(true, predicted, average="macro"))


def test_a_class_that_nowhere_occurs_is_left_out_of_the_mean():
    counts = np.array([[3, 1, 0], [1, 5, 0], [0, 0, 0]])
    np.testing.assert_allclose(class_iou(counts), [3 / 5, 5 / 7, np.nan])
    assert mean_iou(counts) == pytest.approx((3 / 5 + 5 / 7) / 2)


def test_no_pixel_at_all_is_zero():
    assert mean_iou(np.zeros((3, 3), np.int64)) == 0
