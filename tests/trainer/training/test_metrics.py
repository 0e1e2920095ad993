import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score

from petseg.class_table import CLASS_ID_IGNORED
from petseg.metrics.iou import iou_per_class, mean_iou
from trainer.export.counts.confusion_counts import confusion_counts
from trainer.training.metrics import epoch_metrics


@pytest.mark.parametrize("seed", range(3))
def test_counts_and_iou_agree_with_scikit_learn(seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, (3, 8, 8)).astype(np.uint8)
    labels[random.random(labels.shape) < 0.3] = CLASS_ID_IGNORED
    prediction = random.integers(0, 4, labels.shape)
    counts = confusion_counts(labels, prediction, 4).numpy()
    counted = labels != CLASS_ID_IGNORED
    true, predicted = labels[counted], prediction[counted]
    np.testing.assert_array_equal(counts, confusion_matrix(true, predicted, labels=range(4)))
    np.testing.assert_allclose(iou_per_class(counts), jaccard_score(true, predicted, average=None))
    assert mean_iou(counts) == pytest.approx(jaccard_score(true, predicted, average="macro"))


def test_the_history_has_none_for_an_absent_class_and_leaves_it_out_of_the_mean():
    counts = np.array([[3, 1, 0], [1, 5, 0], [0, 0, 0]])
    assert epoch_metrics(counts, ["a", "b", "c"]) == {
        "mean_iou": pytest.approx((3 / 5 + 5 / 7) / 2),
        "iou": {"a": pytest.approx(3 / 5), "b": pytest.approx(5 / 7), "c": None},
    }


def test_without_a_counted_pixel_the_history_has_zero():
    assert epoch_metrics(np.zeros((2, 2), np.int64), ["a", "b"]) == {
        "mean_iou": 0.0,
        "iou": {"a": None, "b": None},
    }
