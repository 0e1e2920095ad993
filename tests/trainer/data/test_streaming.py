"""Examples that are streamed from their records: the order, the replicas' parts, and a real kill."""

import numpy as np
import pytest
import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from petseg.errors import UserError
from tests.trainer.shapes import shape_pairs, write_pairs
from tests.trainer.small_run import (
    history,
    small_settings,
    start,
    training_paths,
    worker_arguments,
    write_inputs,
)
from trainer.data.augmentation.settings import AugmentationSettings
from trainer.data.records import find_records
from trainer.data.streaming import StreamedBatches, StreamedPairs, streamed_evaluation_batches
from trainer.export.export_model import load_trained
from trainer.run import run

SIZE = 16
AUGMENTED = AugmentationSettings()
AS_THEY_ARE = AugmentationSettings(flip=False, crop_scale=1, color=0)


def streamed(folder, examples, shards):
    pairs = shape_pairs(examples, SIZE)
    write_pairs(folder / "split", pairs, shards)
    return pairs, StreamedPairs(find_records([f"{folder}/split/*"]), (SIZE, SIZE))


def images_of(dataset):
    """The batches, and which of 64 examples each image is."""
    return [images.astype(np.uint8) for images, _ in dataset.as_numpy_iterator()]


def indices(pairs, batches):
    known = {image.tobytes(): index for index, image in enumerate(pairs.images)}
    return [known[image.tobytes()] for batch in batches for image in batch]


@pytest.mark.parametrize(("examples", "shards", "batch"), [(22, 3, 4), (9, 1, 4), (64, 8, 16), (5, 9, 2)])
def test_an_epoch_has_each_example_at_most_once_with_its_mask(tmp_path, examples, shards, batch):
    pairs, split = streamed(tmp_path, examples, shards)
    batches = StreamedBatches(split, batch, AS_THEY_ARE, seed=3)
    assert batches.steps == examples // batch
    orders = []
    for epoch in range(3):
        images, masks = zip(*batches.epoch(epoch).as_numpy_iterator(), strict=True)
        assert [each.shape for each in images] == [(batch, SIZE, SIZE, 3)] * batches.steps
        order = indices(pairs, [each.astype(np.uint8) for each in images])
        assert len(set(order)) == len(order)
        np.testing.assert_array_equal(np.concatenate(masks), [pairs.masks[index] for index in order])
        orders.append(tuple(order))
    assert len(set(orders)) == 3


def test_all_examples_come_in_time_where_some_are_left_over(tmp_path):
    """Also of a single shard, which always begins with the same record."""
    pairs, split = streamed(tmp_path, 9, 1)
    batches = StreamedBatches(split, 4, AS_THEY_ARE, seed=3)
    seen = {index for epoch in range(12) for index in indices(pairs, images_of(batches.epoch(epoch)))}
    assert seen == set(range(9))


def test_the_order_follows_from_seed_and_epoch(tmp_path):
    _, split = streamed(tmp_path, 22, 3)

    def batches(seed, epoch):
        dataset = StreamedBatches(split, 4, AUGMENTED, seed).epoch(epoch)
        return np.stack([images for images, _ in dataset.as_numpy_iterator()])

    np.testing.assert_array_equal(batches(1, 5), batches(1, 5))
    for other in ((2, 5), (1, 6)):
        assert (batches(1, 5) != batches(*other)).mean() > 0.3


@pytest.mark.parametrize(
    ("shards", "workers", "devices", "batch"),
    # The last one has five lanes, which two replicas cannot share.
    [(4, 2, 1, 8), (4, 1, 2, 8), (4, 2, 2, 8), (1, 2, 1, 8), (20, 4, 1, 8), (3, 2, 1, 10)],
)
def test_replicas_share_the_batches_of_one_device(tmp_path, shards, workers, devices, batch):
    _, split = streamed(tmp_path, 22, shards)
    replicas = workers * devices
    whole = list(StreamedBatches(split, batch, AUGMENTED, seed=1).epoch(3).as_numpy_iterator())
    shared = StreamedBatches(split, batch, AUGMENTED, seed=1, replicas=replicas)
    of_replicas = []
    for worker in range(workers):
        context = tf.distribute.InputContext(workers, worker, replicas)
        parts = list(shared.epoch(3, context).as_numpy_iterator())
        of_replicas += [parts[device::devices] for device in range(devices)]
    assert len(whole) == 2
    for (images, masks), *parts in zip(whole, *of_replicas, strict=True):
        for kind, expected in enumerate((images, masks)):
            together = np.stack([part[kind] for part in parts], 1).reshape(expected.shape)
            np.testing.assert_array_equal(together, expected)


def test_a_worker_opens_only_its_own_shards(tmp_path, monkeypatch):
    _, split = streamed(tmp_path, 32, 8)
    opened = []
    read = type(split.records).read

    def recorded(self, first, count, order=None):
        opened.append({piece[0] for piece in self._pieces(first % len(self), count, order)})
        return read(self, first, count, order)

    monkeypatch.setattr(type(split.records), "read", recorded)
    batches = StreamedBatches(split, 8, AUGMENTED, seed=1, replicas=2)
    batches.epoch(0, tf.distribute.InputContext(2, 0, 2))
    # Half of the records are in four or, if the range begins inside of one, in five shards.
    assert len(opened) == 4
    assert len(set().union(*opened)) <= 5


@pytest.mark.parametrize(("examples", "replicas"), [(7, 1), (10, 4), (1, 2), (5, 4)])
def test_evaluation_counts_every_example_once(tmp_path, examples, replicas):
    pairs, split = streamed(tmp_path, examples, 3)
    masks, steps = [], []
    for replica in range(replicas):
        context = tf.distribute.InputContext(replicas, replica, replicas)
        batches = list(streamed_evaluation_batches(split, 2 * replicas, context).as_numpy_iterator())
        steps.append([len(images) for images, _ in batches])
        masks += [mask for _, batch in batches for mask in batch]
    assert all(each == steps[0] for each in steps)
    counted = [mask for mask in masks if (mask != CLASS_ID_IGNORED).any()]
    assert sorted(mask.tobytes() for mask in counted) == sorted(mask.tobytes() for mask in pairs.masks)


def test_the_first_by_name_are_decoded(tmp_path):
    pairs, split = streamed(tmp_path, 12, 5)
    first = split.first(3)
    assert first.names == pairs.names[:3]
    np.testing.assert_array_equal(first.images, pairs.images[:3])
    np.testing.assert_array_equal(first.masks, pairs.masks[:3])
    assert len(split.first(0)) == 0
    assert len(split.first(32)) == 12


def test_a_batch_larger_than_the_split_and_a_single_example(tmp_path):
    _, split = streamed(tmp_path, 1, 1)
    assert [len(images) for images, _ in StreamedBatches(split, 32, AUGMENTED, seed=1).epoch(0)] == [1]


def test_an_empty_split_is_the_users_error(tmp_path):
    write_pairs(tmp_path / "split", shape_pairs(0, SIZE))
    with pytest.raises(UserError, match="split"):
        find_records([f"{tmp_path}/split/*"])


def test_a_killed_training_resumes_to_the_same_weights(tmp_path):
    write_inputs(tmp_path, pairs=20, shards=3)
    settings = small_settings(cache="none", epochs=5)
    killed, unbroken = tmp_path / "killed", tmp_path / "unbroken"
    arguments = ["-m", "trainer.worker", *worker_arguments(settings, tmp_path, killed)]
    process = start(arguments)
    for line in process.stdout:
        if line.startswith("epoch 2/5: loss"):
            process.kill()
            break
    process.wait()
    assert not (killed / "model").exists()
    run(settings, training_paths(tmp_path, unbroken))
    resumed = start(arguments)
    said, _ = resumed.communicate()
    assert resumed.returncode == 0, said
    assert "resuming an unfinished training after epoch" in said
    assert [row["loss"] for row in history(killed)] == [row["loss"] for row in history(unbroken)]
    models = [load_trained(str(folder / "model" / "Format-Serving"))[0] for folder in (killed, unbroken)]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)
