"""Several workers keep only the examples that they train and evaluate on, in the order of one device."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.shapes import shape_pairs, write_pairs
from trainer.data.augmentation.settings import AugmentationSettings
from trainer.data.input import TrainingBatches, evaluation_batches
from trainer.data.lanes import (
    KEPT_BY_ALL,
    WorkerShare,
    count_lanes,
    evaluation_share,
    lane_order,
    rows_of_an_epoch,
    training_share,
)
from trainer.data.pairs import load_pairs

SIZE = 16
AS_THEY_ARE = AugmentationSettings(flip=False, crop_scale=1, color=0)


def context(worker, workers=2, devices=1):
    return tf.distribute.InputContext(workers, worker, workers * devices)


@given(
    examples=st.integers(1, 900),
    batch_size=st.integers(1, 200),
    times=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_an_epoch_takes_each_row_from_its_lane(examples, batch_size, times, seed):
    batch_size = min(batch_size, examples * times)
    lanes = count_lanes(batch_size, examples, times)
    assert batch_size % lanes == 0
    rows = rows_of_an_epoch(examples, lanes, batch_size, times)
    order = lane_order(np.random.default_rng(seed), examples, lanes, rows, times)
    assert len(order) == rows >= batch_size
    np.testing.assert_array_equal(order % lanes, np.arange(rows) % lanes)
    assert np.bincount(order, minlength=examples).max() <= times
    # No more than the last lanes' spare examples and a batch are left out.
    assert examples * times - rows < batch_size + lanes * times


@pytest.mark.parametrize("times", [1, 4])
def test_few_examples_have_the_order_that_they_had_before_lanes_existed(times):
    """Otherwise what was measured on small data sets could not be reproduced."""
    assert count_lanes(8, 2 * 64 - 1, times) == 1
    before = np.random.default_rng((1, 2)).permutation(100 * times)[:96] % 100
    np.testing.assert_array_equal(lane_order(np.random.default_rng((1, 2)), 100, 1, 96, times), before)


def test_no_example_is_left_out_of_more_epochs_than_another():
    """With lanes of one example, that example would be in every epoch."""
    examples, batch_size = 65 * 2 + 1, 32
    lanes = count_lanes(batch_size, examples)
    rows = rows_of_an_epoch(examples, lanes, batch_size)
    random = np.random.default_rng(1)
    seen = sum(
        np.bincount(lane_order(random, examples, lanes, rows), minlength=examples) for _ in range(2000)
    )
    np.testing.assert_allclose(seen / 2000, rows / examples, atol=0.04)


@pytest.mark.parametrize(("workers", "devices"), [(2, 1), (2, 2), (4, 1)])
@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_a_worker_keeps_what_its_batches_need(tmp_path, cache, workers, devices):
    """What a worker does not keep cannot be taken: it would be an error."""
    pairs = shape_pairs(310, SIZE)
    write_pairs(tmp_path / "split", pairs, shards=3)
    replicas, batch_size = workers * devices, 8
    whole = TrainingBatches(pairs, batch_size, AS_THEY_ARE, seed=1, replicas=replicas)
    for worker in range(workers):
        own = context(worker, workers, devices)
        share = evaluation_share(own)
        assert training_share(own, batch_size, len(pairs)) == share
        patterns = [f"{tmp_path}/split/*"]
        part = load_pairs(patterns, (SIZE, SIZE), cache, share_of=lambda count, share=share: share)
        assert part.names == pairs.names
        assert len(part.kept) == len(share.indices(310))
        assert len(part.kept) <= 310 / workers + KEPT_BY_ALL
        for index in part.kept:
            np.testing.assert_array_equal(part.images[index], pairs.images[index])
            np.testing.assert_array_equal(part.masks[index], pairs.masks[index])
        of_part = TrainingBatches(part, batch_size, AS_THEY_ARE, seed=1, replicas=replicas)
        for made, expected in (
            (of_part.epoch(2, own), whole.epoch(2, own)),
            (evaluation_batches(part, batch_size, own), evaluation_batches(pairs, batch_size, own)),
        ):
            for received, wanted in zip(made, expected, strict=True):
                np.testing.assert_array_equal(received[0], wanted[0])
                np.testing.assert_array_equal(received[1], wanted[1])
        with pytest.raises(KeyError):
            part.images[next(index for index in range(310) if index not in part.kept)]


def test_one_process_keeps_all():
    assert training_share(tf.distribute.InputContext(), 8, 310) is None
    assert evaluation_share(context(0, workers=1, devices=4)) is None


def test_a_batch_that_cannot_be_split_keeps_all():
    """Lanes would be too short for two workers."""
    assert training_share(context(0), 8, 2 * 64 - 1) is None
    assert training_share(context(0), 8, 2 * 64) == WorkerShare(2, range(1))
