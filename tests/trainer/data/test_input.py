import numpy as np
import pytest
import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from petseg.errors import UserError
from tests.trainer.shapes import shape_pairs, write_pairs
from trainer.data.augmentation import augment, draw_groups
from trainer.data.augmentation.settings import AugmentationSettings
from trainer.data.input import TrainingBatches, evaluation_batches
from trainer.data.pairs import Pairs, load_pairs

SIZE = 16
AUGMENTED = AugmentationSettings()
AS_THEY_ARE = AugmentationSettings(flip=False, crop_scale=1, color=0)


def batches_of(epoch, seed=3, augmentation=AUGMENTED, pairs=None):
    batches = TrainingBatches(pairs or shape_pairs(22, SIZE), 4, augmentation, seed)
    images, masks = zip(*batches.epoch(epoch).as_numpy_iterator(), strict=True)
    return np.stack(images), np.stack(masks)


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_loads_pairs_sorted_by_name_whatever_the_shards(tmp_path, cache):
    pairs = shape_pairs(150, SIZE)
    write_pairs(tmp_path / "split", pairs, shards=3)
    loaded = load_pairs([f"{tmp_path}/split/*"], (SIZE, SIZE), cache)
    assert loaded.names == pairs.names
    np.testing.assert_array_equal(loaded.images, pairs.images)
    np.testing.assert_array_equal(loaded.masks, pairs.masks)


def test_batches_of_larger_pairs_have_the_models_size():
    batches = TrainingBatches(shape_pairs(8, 3 * SIZE), 4, AUGMENTED, seed=1, size=(SIZE, SIZE))
    for images, masks in batches.epoch(0).as_numpy_iterator():
        assert (images.shape, masks.shape) == ((4, SIZE, SIZE, 3), (4, SIZE, SIZE))
        assert set(np.unique(masks)) == {0, 1, 2}


def test_an_empty_split_is_the_users_error(tmp_path):
    write_pairs(tmp_path / "split", shape_pairs(0, SIZE))
    with pytest.raises(UserError, match="split"):
        load_pairs([f"{tmp_path}/split/*"], (SIZE, SIZE), "memory")


def test_same_seed_and_epoch_give_the_same_batches():
    for one, two in zip(batches_of(epoch=5), batches_of(epoch=5), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("other", [{"epoch": 6}, {"epoch": 5, "seed": 4}])
@pytest.mark.parametrize("augmentation", [AS_THEY_ARE, AUGMENTED])
def test_other_epochs_and_seeds_differ(other, augmentation):
    one, _ = batches_of(epoch=5, augmentation=augmentation)
    two, _ = batches_of(**other, augmentation=augmentation)
    assert (one != two).mean() > 0.3


def test_a_seed_gives_the_same_changes_as_before_gray_blur_and_cutout_existed():
    """Otherwise measured metrics could not be reproduced."""
    pairs = shape_pairs(4, SIZE)
    random = np.random.default_rng((3, 0))
    indices = random.permutation(4)
    draws = np.zeros((4, sum(draw_groups())), np.float32)
    draws[:, :8] = random.random((4, 8), np.float32)
    gathered = (np.stack([rows[index] for index in indices]) for rows in (pairs.images, pairs.masks))
    for expected, received in zip(
        augment(*gathered, draws, AUGMENTED), batches_of(epoch=0, pairs=pairs), strict=True
    ):
        np.testing.assert_array_equal(expected, received[0])


def test_each_pair_comes_at_most_once_an_epoch_with_its_own_mask():
    pairs = shape_pairs(22, SIZE)
    images, masks = batches_of(epoch=0, augmentation=AS_THEY_ARE, pairs=pairs)
    assert images.shape == (5, 4, SIZE, SIZE, 3)
    assert images.dtype == np.float32
    assert masks.dtype == np.uint8
    known = {image.tobytes(): index for index, image in enumerate(pairs.images)}
    indices = [known[image.astype(np.uint8).tobytes()] for image in images.reshape(20, SIZE, SIZE, 3)]
    assert len(set(indices)) == 20
    np.testing.assert_array_equal(masks.reshape(20, SIZE, SIZE), [pairs.masks[index] for index in indices])


def test_no_epoch_ends_with_a_wait_for_the_autotuning():
    """It delayed every other epoch by up to a minute, and evaluation too."""
    pairs = shape_pairs(4, SIZE)
    training, evaluation = TrainingBatches(pairs, 4, AUGMENTED, seed=1).epoch(0), evaluation_batches(pairs, 4)
    assert [dataset.options().autotune.enabled for dataset in (training, evaluation)] == [False, False]


def test_fewer_pairs_than_a_batch_make_one_batch():
    batches = TrainingBatches(shape_pairs(3, SIZE), 32, AS_THEY_ARE, seed=1)
    assert batches.steps == 1
    assert [len(images) for images, _ in batches.epoch(0)] == [3]


def test_evaluation_sees_every_pair_once_in_order():
    pairs = shape_pairs(7, SIZE)
    images, masks = zip(*evaluation_batches(pairs, 3).as_numpy_iterator(), strict=True)
    assert [len(batch) for batch in images] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(images), pairs.images)
    np.testing.assert_array_equal(np.concatenate(masks), pairs.masks)


def of_all_replicas(make, workers=2, devices=2):
    """What four replicas get, step by step: [(images, masks) of each]."""
    replicas = []
    for worker in range(workers):
        context = tf.distribute.InputContext(workers, worker, workers * devices)
        parts = list(make(context).as_numpy_iterator())
        replicas += [parts[device::devices] for device in range(devices)]
    return list(zip(*replicas, strict=True))


def test_replicas_get_the_parts_of_the_batch_that_one_device_gets():
    pairs = shape_pairs(22, SIZE)
    shared = TrainingBatches(pairs, 8, AUGMENTED, seed=1, replicas=4)
    steps = of_all_replicas(lambda context: shared.epoch(3, context))
    whole = list(TrainingBatches(pairs, 8, AUGMENTED, seed=1).epoch(3).as_numpy_iterator())
    assert len(steps) == len(whole) == 2
    for parts, (images, masks) in zip(steps, whole, strict=True):
        assert [len(part) for part, _ in parts] == [2, 2, 2, 2]
        # The replicas take turns.
        np.testing.assert_array_equal(np.stack([part for part, _ in parts], 1).reshape(images.shape), images)
        np.testing.assert_array_equal(np.stack([part for _, part in parts], 1).reshape(masks.shape), masks)


def test_replicas_evaluate_every_example_once_and_ignore_padding():
    pairs = shape_pairs(10, SIZE)
    steps = of_all_replicas(lambda context: evaluation_batches(pairs, 8, context))
    assert [[len(masks) for _, masks in parts] for parts in steps] == [[2, 2, 2, 2], [1, 1, 1, 1]]
    masks = np.concatenate([masks for parts in steps for _, masks in parts])
    counted = [mask for mask in masks if (mask != CLASS_ID_IGNORED).any()]
    assert sorted(mask.tobytes() for mask in counted) == sorted(mask.tobytes() for mask in pairs.masks)


def test_fewer_pairs_than_replicas_are_the_users_error():
    with pytest.raises(UserError, match="4 replicas need at least 4 training examples; received 3"):
        TrainingBatches(shape_pairs(3, SIZE), 8, AS_THEY_ARE, seed=1, replicas=4)


def test_first_takes_all_where_there_are_fewer():
    assert shape_pairs(5, SIZE).first(3).names == ["shape_000", "shape_001", "shape_002"]
    assert len(shape_pairs(2, SIZE).first(8)) == 2
    assert isinstance(shape_pairs(2, SIZE).first(0), Pairs)
