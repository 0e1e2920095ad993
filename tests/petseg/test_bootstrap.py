import tracemalloc

import numpy as np
import pytest

from petseg.evaluation.bootstrap import mean_iou_interval, paired_bootstrap, sparse_overlaps
from petseg.metrics.iou import intersection_and_union, mean_iou
from tests.pipeline.evaluated_runs import counts


def by_hand(before, after, draws, seed):
    """The same, a photo and a draw at a time."""
    rng = np.random.default_rng(seed)
    differences = []
    for _ in range(draws):
        chosen = rng.integers(len(before), size=len(before))
        differences.append(mean_iou(after[chosen].sum(0)) - mean_iou(before[chosen].sum(0)))
    return np.quantile(differences, [0.025, 0.975])


def test_the_interval_is_that_of_drawing_photos():
    before, after = counts(60, 0.2, seed=1), counts(60, 0.19, seed=2)
    difference = paired_bootstrap(before, after, seed=0, resamples=4000)
    assert difference.value == mean_iou(after.sum(0)) - mean_iou(before.sum(0))
    low, high = by_hand(before, after, 4000, seed=5)
    width = high - low
    assert difference.low == pytest.approx(low, abs=0.05 * width)
    assert difference.high == pytest.approx(high, abs=0.05 * width)


def test_it_is_paired_two_models_that_err_alike_are_told_apart():
    before = counts(100, 0.3, seed=1)
    after = before.copy()
    after[:, 0, 0] += after[:, 0, 1] // 10
    after[:, 0, 1] -= after[:, 0, 1] // 10
    paired = paired_bootstrap(before, after, seed=0)
    shuffled = paired_bootstrap(before, after[np.random.default_rng(0).permutation(100)], seed=0)
    assert paired.real
    assert paired.value > 0
    assert paired.high - paired.low < 0.5 * (shuffled.high - shuffled.low)


def test_the_same_model_is_never_different_and_the_seed_decides():
    before, after = counts(30, 0.3, seed=1), counts(30, 0.3, seed=2)
    same = paired_bootstrap(before, before, seed=0)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert not same.real
    assert paired_bootstrap(before, after, seed=3) == paired_bootstrap(before, after, seed=3)
    assert paired_bootstrap(before, after, seed=3) != paired_bootstrap(before, after, seed=4)


def test_about_one_in_twenty_equal_models_is_called_different():
    """Coverage over 200 pairs of equally good models: 10 expected, more than 22 once in ten thousand."""
    called = sum(
        paired_bootstrap(
            counts(40, 0.25, seed=2 * i), counts(40, 0.25, seed=2 * i + 1), seed=i, resamples=200
        ).real
        for i in range(200)
    )
    assert 1 <= called <= 22


def test_photos_without_a_labelled_pixel_have_no_difference():
    nothing = np.zeros((3, 2, 2), np.int64)
    difference = paired_bootstrap(nothing, nothing, seed=0)
    assert np.isnan(difference.value)
    assert not difference.real


def test_the_interval_of_one_model_is_that_of_drawing_photos():
    confusion = counts(60, 0.2, seed=1)
    rng = np.random.default_rng(5)
    drawn = [mean_iou(confusion[rng.integers(60, size=60)].sum(0)) for _ in range(4000)]
    expected = np.quantile(drawn, [0.025, 0.975])
    interval = mean_iou_interval(intersection_and_union(confusion), resamples=4000)
    assert interval == pytest.approx(expected, abs=0.05 * (expected[1] - expected[0]))
    assert interval[0] < mean_iou(confusion.sum(0)) < interval[1]


def test_the_interval_of_photos_that_are_all_alike_is_their_mean_iou():
    confusion = np.repeat(counts(1, 0.2, seed=1), 25, axis=0)
    expected = float(mean_iou(confusion[0]))
    assert mean_iou_interval(intersection_and_union(confusion)) == pytest.approx((expected, expected))


def test_the_interval_narrows_with_the_square_root_of_the_photos_and_follows_the_seed():
    def width(photos: int) -> float:
        low, high = mean_iou_interval(intersection_and_union(counts(photos, 0.3, seed=3)))
        return high - low

    assert width(400) == pytest.approx(width(100) / 2, rel=0.25)
    pixels = intersection_and_union(counts(40, 0.3, seed=3))
    assert mean_iou_interval(pixels, seed=1) == mean_iou_interval(pixels, seed=1)
    assert mean_iou_interval(pixels, seed=1) != mean_iou_interval(pixels, seed=2)


def test_about_nineteen_of_twenty_intervals_hold_the_true_value():
    """Photos differ in how often they err. Of 200, 190 are expected; 170 or fewer are unlikely."""
    rng = np.random.default_rng(0)
    population = np.concatenate(
        [counts(50, wrong, seed=i) for i, wrong in enumerate(rng.uniform(0.05, 0.5, 40))]
    )
    truth = mean_iou(population.sum(0))
    pixels = intersection_and_union(population)
    held = 0
    for seed in range(200):
        low, high = mean_iou_interval(rng.choice(pixels, 60), seed=seed, resamples=300)
        held += low <= truth <= high
    assert 170 <= held < 200


def test_the_interval_needs_the_memory_of_the_classes_that_photos_have():
    confusion = np.zeros((70, 254, 254), np.int64)
    confusion[:, :3, :3] = counts(70, 0.2, seed=1)[:, :3, :3]
    pixels = intersection_and_union(confusion)
    held = sparse_overlaps(pixels[start : start + 32] for start in range(0, 70, 32))
    assert held.data.nbytes + held.indices.nbytes == 12 * np.count_nonzero(pixels)
    assert mean_iou_interval(held) == mean_iou_interval(pixels) == mean_iou_interval(pixels[:, :, :3])


def test_the_memory_of_the_interval_does_not_grow_with_resamples_times_photos():
    """The weights of 100 resamples of 200,000 photos alone were 320 MB."""
    pixels = np.repeat(intersection_and_union(counts(100, 0.2, seed=1)), 2000, axis=0)
    tracemalloc.start()
    mean_iou_interval(pixels, resamples=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120e6


def test_photos_without_a_labelled_pixel_have_no_interval():
    assert np.isnan(mean_iou_interval(np.zeros((3, 2, 4), np.int64))).all()
