"""Crops to train on and windows to evaluate on, out of photos of all sizes."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from trainer.data.augmentation.settings import AugmentationSettings
from trainer.data.crops import CROPS_A_PHOTO, CropBatches, crop_center, patch_size, window_batches
from trainer.data.geometry import Windows
from trainer.data.lanes import evaluation_share
from trainer.data.pairs import SharedRows
from trainer.data.photos import Photos
from trainer.export.counts.confusion_counts import confusion_counts

SIZE = (32, 64)
GRAYS = np.array([40, 120, 200], np.uint8)
AS_THEY_ARE = AugmentationSettings(flip=False, crop_scale=1, color=0)
MOVED = AugmentationSettings(crop_scale=0.6, zoom_out=1.4, rotation=20, color=0)


def drawn_photos(sizes=((100, 90), (33, 250), (20, 20), (1, 1)), seed=0, overlap=8):
    """Photos that show their masks in grays."""
    random = np.random.default_rng(seed)
    masks = []
    for height, width in sizes:
        coarse = random.integers(0, 3, (-(-height // 12), -(-width // 12))).astype(np.uint8)
        masks.append(coarse.repeat(12, axis=0).repeat(12, axis=1)[:height, :width])
    images = [np.repeat(GRAYS[mask][..., None], 3, axis=-1) for mask in masks]
    names = [f"photo_{index}" for index in range(len(masks))]
    return Photos(images, masks, names, Windows(SIZE, overlap), {}, [mask.shape for mask in masks])


def crops_of(epoch, augmentation=MOVED, photos=None, seed=3, weights=None, **more):
    photos = dataclasses.replace(photos or drawn_photos(), class_weights=weights or {})
    batches = CropBatches(photos, 4, augmentation, seed, **more)
    images, masks = zip(*batches.epoch(epoch).as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(masks)


def test_a_crop_shows_what_its_labels_say():
    images, masks = crops_of(0)
    assert images.shape == (4 * CROPS_A_PHOTO, *SIZE, 3)
    assert masks.shape == (4 * CROPS_A_PHOTO, *SIZE)
    counted = masks != CLASS_ID_IGNORED
    mixed = ~np.isin(images[..., 0].astype(int), GRAYS)
    agree = images[..., 0].astype(int) == GRAYS[np.where(counted, masks, 0)]
    assert agree[counted & ~mixed].mean() > 0.999
    assert mixed[counted].mean() < 0.3


def test_crops_keep_the_photos_own_pixels():
    photos = drawn_photos(((100, 90), (70, 250)))
    for image, mask in zip(*crops_of(0, AS_THEY_ARE, photos), strict=True):
        views = [
            np.lib.stride_tricks.sliding_window_view(each, SIZE).reshape(-1, *SIZE) for each in photos.masks
        ]
        assert any((view == mask).all(axis=(1, 2)).any() for view in views)
        np.testing.assert_array_equal(image[..., 0], GRAYS[mask])


def test_a_photo_smaller_than_a_crop_is_whole_in_it():
    photos = drawn_photos(((20, 30),))
    images, masks = crops_of(0, AS_THEY_ARE, photos)
    for image, mask in zip(images, masks, strict=True):
        counted = mask != CLASS_ID_IGNORED
        np.testing.assert_array_equal(mask[counted].reshape(20, 30), photos.masks[0])
        # Beyond the photo its reflection, which has no label.
        assert np.isin(image, GRAYS).all()


def test_crops_follow_from_seed_and_epoch():
    weights = {1: 2.0}
    for one, two in zip(crops_of(5, weights=weights), crops_of(5, weights=weights), strict=True):
        np.testing.assert_array_equal(one, two)
    for other in ({"epoch": 6}, {"epoch": 5, "seed": 4}):
        assert (crops_of(**other, weights=weights)[0] != crops_of(5, weights=weights)[0]).mean() > 0.2


def test_replicas_get_the_parts_of_the_batch_that_one_device_gets():
    shared = CropBatches(drawn_photos(), 4, MOVED, 3, replicas=2)
    parts = [
        np.concatenate([images for images, _ in shared.epoch(1, tf.distribute.InputContext(2, worker, 2))])
        for worker in range(2)
    ]
    images, _ = crops_of(1)
    np.testing.assert_array_equal(np.stack(parts, axis=1).reshape(images.shape), images)


def test_a_rare_class_is_drawn_by_its_weight():
    mask = np.zeros((400, 400), np.uint8)
    mask[350:354, 20:24] = 2
    images = [np.zeros((400, 400, 3), np.uint8)] * 40
    photos = Photos(images, [mask] * 40, list("abcdefgh" * 5), Windows(SIZE, 8), {}, [mask.shape] * 40)

    def share(weights):
        _, masks = crops_of(0, AugmentationSettings(color=0), photos, weights=weights)
        return (masks == 2).any(axis=(1, 2)).mean()

    assert share({}) < 0.1
    # One in two crops is around the class; 2 of 3 with the weight 2.
    assert share({2: 1.0}) == pytest.approx(0.5, abs=0.1)
    assert share({2: 2.0}) == pytest.approx(2 / 3, abs=0.1)
    # No photo has class 1.
    assert share({1: 1.0}) < 0.1


def test_a_crop_around_a_pixel_contains_it_and_stays_in_the_photo():
    mask = np.zeros((60, 90), np.uint8)
    mask[0, 89] = 1
    for at in (0.0, 0.5, 0.999):
        row, column = crop_center(mask, (32, 64), (at, at), {1: 1e9}, (0.0, 0.5))
        assert 16 <= row <= 44
        assert 32 <= column <= 58
        assert row - 16 <= 0.5 < row + 16
        assert column - 32 <= 89.5 < column + 32


def test_patches_are_no_larger_than_crops_can_show():
    assert patch_size(SIZE, AugmentationSettings()) == SIZE
    height, width = patch_size(SIZE, MOVED)
    assert height >= 1.4 * (32 + 64 * np.sin(np.radians(20)))
    assert width < 1.4 * (64 + 32) + 3


@pytest.mark.parametrize("overlap", [0, 8])
def test_windows_count_every_pixel_once(overlap):
    photos = drawn_photos(overlap=overlap)
    counts = sum(
        confusion_counts(
            masks, tf.searchsorted(GRAYS.astype(np.float32), tf.reshape(images[..., 0], [-1])), 3
        )
        for images, masks in (
            (images, tf.reshape(masks, [-1])) for images, masks in window_batches(photos, 3, most=1000)
        )
    )
    pixels = np.bincount(np.concatenate([mask.ravel() for mask in photos.masks]), minlength=3)
    np.testing.assert_array_equal(counts, np.diag(pixels))


@pytest.mark.parametrize(("workers", "devices"), [(2, 1), (2, 2), (3, 1)])
def test_a_worker_evaluates_its_own_photos(workers, devices):
    """What a worker does not keep cannot be taken: it would be an error."""
    whole = drawn_photos([(20 + index, 90 - index) for index in range(40)])
    counted = []
    for worker in range(workers):
        own = tf.distribute.InputContext(workers, worker, workers * devices)
        kept = evaluation_share(own).indices(len(whole))
        assert len(kept) < len(whole)
        images, masks = (
            SharedRows([rows[index] for index in kept], kept, len(whole))
            for rows in (whole.images, whole.masks)
        )
        part = dataclasses.replace(whole, images=images, masks=masks)
        batches = list(window_batches(part, 12, own))
        for received, wanted in zip(batches, window_batches(whole, 12, own), strict=True):
            np.testing.assert_array_equal(received[0], wanted[0])
            np.testing.assert_array_equal(received[1], wanted[1])
        counted.append(np.concatenate([masks.numpy().ravel() for _, masks in batches]))
    assert len({len(labels) for labels in counted}) == 1
    of_workers, of_photos = (
        np.bincount(np.concatenate(labels), minlength=CLASS_ID_IGNORED)[:CLASS_ID_IGNORED]
        for labels in (counted, [mask.ravel() for mask in whole.masks])
    )
    np.testing.assert_array_equal(of_workers, of_photos)


def test_a_large_photo_is_evaluated_on_a_sample_of_windows():
    photos = drawn_photos(((300, 500), (32, 32)))
    first, second = ([masks.numpy() for _, masks in window_batches(photos, 4, most=6)] for _ in range(2))
    assert sum(map(len, first)) == 6 + 2
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)
