import numpy as np
import tensorflow as tf

from trainer.augmentation import DRAWS_PER_PAIR, augment, recolor
from trainer.settings import CLASS_ID_IGNORED, AugmentationSettings

SIZE = 64
GRAYS = np.array([40, 120, 200], np.uint8)


def blobs(number, seed=0):
    """Masks of large regions, and images that are the mask drawn in greys."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 3, (number, 4, 4)).astype(np.uint8)
    masks = coarse.repeat(SIZE // 4, axis=1).repeat(SIZE // 4, axis=2)
    return GRAYS[masks][..., np.newaxis].repeat(3, axis=-1), masks


def draws(number, seed=0):
    return np.random.default_rng(seed).random((number, DRAWS_PER_PAIR), np.float32)


def test_image_and_mask_move_together():
    images, masks = blobs(40)
    settings = AugmentationSettings(flip=True, crop_scale=0.6, rotation=25, color=0)
    moved, moved_masks = (x.numpy() for x in augment(images, masks, draws(40), settings))
    counted = moved_masks != CLASS_ID_IGNORED
    drawn = GRAYS[np.where(counted, moved_masks, 0)]
    # Between two regions the image's colours are mixed; elsewhere it must show the mask.
    mixed = ~np.isin(moved[..., 0].astype(int), GRAYS)
    agree = moved[..., 0].astype(int) == drawn
    assert mixed[counted].mean() < 0.2
    assert agree[counted & ~mixed].mean() > 0.999
    assert 0.01 < 1 - counted.mean() < 0.3
    assert (moved_masks != masks).any(axis=(1, 2)).all()


def test_a_crop_never_leaves_the_picture():
    images, masks = blobs(4)
    corners = np.full((4, DRAWS_PER_PAIR), 0.9, np.float32)
    corners[:, 1] = [0, 0, 0.5, 0.999]
    corners[:, 2:4] = [[0, 0], [0.9999999, 0.9999999], [0, 0.9999999], [0.5, 0]]
    _, moved = augment(images, masks, corners, AugmentationSettings(crop_scale=0.1, color=0))
    assert moved.numpy().max() < 3


def test_flipping_twice_is_the_identity():
    images, masks = blobs(4)
    images = np.random.default_rng(5).integers(0, 256, images.shape).astype(np.uint8)
    settings = AugmentationSettings(flip=True, crop_scale=1, color=0)
    flip = np.zeros((4, DRAWS_PER_PAIR), np.float32)
    once = augment(images, masks, flip, settings)
    np.testing.assert_array_equal(once[0], images[:, :, ::-1])
    np.testing.assert_array_equal(once[1], masks[:, :, ::-1])
    twice = augment(tf.cast(once[0], tf.uint8), once[1], flip, settings)
    np.testing.assert_array_equal(twice[0], images)
    np.testing.assert_array_equal(twice[1], masks)


def test_half_of_the_pairs_are_flipped():
    images, masks = blobs(400)
    _, moved = augment(images, masks, draws(400), AugmentationSettings(crop_scale=1, color=0))
    flipped = (moved.numpy() == masks[:, :, ::-1]).all(axis=(1, 2))
    assert 0.4 < flipped.mean() < 0.6


def test_nothing_on_changes_nothing():
    images, masks = blobs(3)
    settings = AugmentationSettings(flip=False, crop_scale=1, rotation=0, color=0)
    same = augment(images, masks, draws(3), settings)
    np.testing.assert_array_equal(same[0], images)
    np.testing.assert_array_equal(same[1], masks)


def test_color_leaves_the_mask_alone_and_stays_in_range():
    images, masks = blobs(8)
    settings = AugmentationSettings(flip=False, crop_scale=1, color=0.9)
    recolored, same = augment(images, masks, draws(8), settings)
    np.testing.assert_array_equal(same, masks)
    assert recolored.numpy().min() >= 0
    assert recolored.numpy().max() <= 255
    assert np.abs(recolored.numpy() - images).mean(axis=(1, 2, 3)).min() > 1


def test_recolor_is_saturation_then_contrast_then_brightness():
    random = np.random.default_rng(0)
    images = random.uniform(90, 160, (2, 5, 5, 3)).astype(np.float32)
    brightness, contrast, saturation = np.array([[1.1, 0.9], [0.8, 1.2], [0.7, 1.3]], np.float32)

    def of_image(factor):
        return factor[:, None, None, None]

    gray = (images @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    expected = gray + of_image(saturation) * (images - gray)
    mean = gray.mean(axis=(1, 2, 3), keepdims=True)
    expected = of_image(brightness) * (mean + of_image(contrast) * (expected - mean))
    np.testing.assert_allclose(recolor(images, brightness, contrast, saturation), expected, rtol=1e-5)
