import numpy as np
import pytest
import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from trainer.data.augmentation import REGISTRY, augment, draw_groups, load_augmentation
from trainer.data.augmentation.blur import BINOMIAL, blur
from trainer.data.augmentation.color import recolor
from trainer.data.augmentation.cutout import GRAY_LEVEL
from trainer.data.augmentation.settings import AugmentationSettings

SIZE = 64
DRAWS_PER_PAIR = sum(draw_groups())
GRAYS = np.array([40, 120, 200], np.uint8)


def blobs(number, seed=0):
    """Masks of large regions, and images that are the mask drawn in grays."""
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
    # Between two regions the image's colors are mixed; elsewhere it must show the mask.
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


def test_crops_of_a_larger_picture_show_the_same_and_more_sharply():
    fine = np.indices((4 * SIZE, 4 * SIZE)).sum(0) // 8 % 2
    large = (255 * fine).astype(np.uint8)[np.newaxis]
    small = large[:, 2::4, 2::4]
    quarter = np.full((1, DRAWS_PER_PAIR), 0.5, np.float32)
    quarter[:, 1] = 0
    settings = AugmentationSettings(flip=False, crop_scale=0.25, color=0)
    images, masks = augment(
        large[..., np.newaxis].repeat(3, -1), (large > 0).astype(np.uint8), quarter, settings, (SIZE, SIZE)
    )
    assert images.shape == (1, SIZE, SIZE, 3)
    # A quarter of a picture four times as large is as large as it is wanted: no pixel is made up.
    start = 4 * SIZE * 3 // 8
    np.testing.assert_array_equal(images[..., 0], large[:, start : start + SIZE, start : start + SIZE])
    np.testing.assert_array_equal(masks * np.uint8(255), images[..., 0])
    blurred, _ = augment(small[..., np.newaxis].repeat(3, -1), small, quarter, settings)
    assert np.isin(images, (0, 255)).all()
    assert not np.isin(blurred, (0, 255)).all()


@pytest.mark.parametrize(
    "changes",
    [
        {"crop_scale": 0.7},
        {"rotation": 20},
        {"zoom_out": 1.5},
        {"blur": 1.0},
        {"size": (SIZE // 2, SIZE // 2)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_mean_of_noise_stays(changes):
    """Interpolation in whole gray levels would cut fractions off: half a level darker."""
    noise = np.random.default_rng(0).integers(100, 104, (64, SIZE, SIZE, 3)).astype(np.uint8)
    masks = np.zeros(noise.shape[:3], np.uint8)
    size = changes.get("size")
    settings = AugmentationSettings(
        **{"crop_scale": 1, "color": 0} | {key: value for key, value in changes.items() if key != "size"}
    )
    images, _ = augment(noise, masks, draws(64), settings, size)
    assert abs(images.numpy().mean() - noise.mean()) < 0.05


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


STRONG = AugmentationSettings(preset="strong")


@pytest.mark.parametrize("name", REGISTRY)
def test_every_augmentation_changes_photos_only_where_it_is_on(name):
    augmentation = load_augmentation(name)
    images = np.random.default_rng(1).uniform(0, 255, (8, SIZE, SIZE, 3)).astype(np.float32)
    _, masks = blobs(8)
    numbers = np.random.default_rng(2).random((8, augmentation.draws), np.float32)
    on = AugmentationSettings(preset="flips", **dict.fromkeys(augmentation.settings.model_fields, 0.5))
    assert not augmentation.is_on(AugmentationSettings(preset="flips"))
    assert on.names == (name,)
    assert not on.mirrors_only
    changed, changed_masks = augmentation.apply(images, masks, numbers, on)
    assert changed.shape == images.shape
    assert changed.dtype == tf.float32
    assert (np.abs(changed - images).max(axis=(1, 2, 3)) > 1).any()
    assert set(np.unique(changed_masks)) <= {0, 1, 2, CLASS_ID_IGNORED}


def test_a_seed_keeps_its_meaning():
    """The numbers of the first augmentations are drawn in two groups, whatever comes after them."""
    assert draw_groups()[:2] == (8, 6)
    assert [load_augmentation(name).draws for name in ("color", "blur", "cutout")] == [4, 2, 3]
    assert list(REGISTRY)[:3] == ["color", "blur", "cutout"]


def test_a_preset_fills_what_is_not_set():
    assert STRONG.zoom_out == 1.5
    own = AugmentationSettings(preset="strong", zoom_out=1.2)
    assert own == STRONG.model_copy(update={"zoom_out": 1.2})
    assert AugmentationSettings(preset="flips").mirrors_only
    assert AugmentationSettings() == AugmentationSettings(preset="mild")
    assert AugmentationSettings.model_validate_json(own.model_dump_json()) == own


def test_strong_augmentation_moves_image_and_mask_together():
    images, masks = blobs(40)
    moved_only = STRONG.model_copy(update={"color": 0, "gray": 0, "blur": 0})
    moved, moved_masks = (x.numpy() for x in augment(images, masks, draws(40), moved_only))
    counted = moved_masks != CLASS_ID_IGNORED
    mixed = ~np.isin(moved[..., 0].astype(int), GRAYS)
    agree = moved[..., 0].astype(int) == GRAYS[np.where(counted, moved_masks, 0)]
    assert agree[counted & ~mixed].mean() > 0.999
    assert mixed[counted].mean() < 0.2
    assert not counted.all(axis=(1, 2)).any()


def test_a_wide_image_and_its_mask_move_together():
    images, masks = (array[:, : SIZE // 2] for array in blobs(40))
    moved_only = STRONG.model_copy(update={"color": 0, "gray": 0, "blur": 0, "cutout": 0})
    moved, moved_masks = (x.numpy() for x in augment(images, masks, draws(40), moved_only))
    assert moved.shape == images.shape
    counted = moved_masks != CLASS_ID_IGNORED
    mixed = ~np.isin(moved[..., 0].astype(int), GRAYS)
    agree = moved[..., 0].astype(int) == GRAYS[np.where(counted, moved_masks, 0)]
    assert agree[counted & ~mixed].mean() > 0.999
    assert mixed[counted].mean() < 0.3


def test_a_rotation_keeps_right_angles_in_a_wide_image():
    square = np.zeros((1, 96, 192), np.uint8)
    square[:, 24:72, 72:120] = 1
    numbers = np.full((1, DRAWS_PER_PAIR), 0.5, np.float32)
    numbers[:, 4] = 1
    settings = AugmentationSettings(preset="flips", flip=False, rotation=45)
    _, turned = augment(np.repeat(square[..., None], 3, -1), square, numbers, settings)
    rows, columns = np.nonzero(turned.numpy()[0] == 1)
    # A square on its corner, as wide as it is high.
    assert np.ptp(rows) == pytest.approx(48 * 2**0.5, abs=3)
    assert np.ptp(columns) == pytest.approx(48 * 2**0.5, abs=3)


def test_the_same_draws_give_the_same_pairs_whatever_else_is_in_the_batch():
    images, masks = blobs(6)
    numbers = draws(6)
    together = augment(images, masks, numbers, STRONG)
    alone = augment(images[4:5], masks[4:5], numbers[4:5], STRONG)
    np.testing.assert_allclose(together[0][4], alone[0][0], atol=1e-3)
    np.testing.assert_array_equal(together[1][4], alone[1][0])


def test_zooming_out_shows_the_whole_picture_smaller():
    images, masks = blobs(2)
    numbers = np.full((2, DRAWS_PER_PAIR), 0.5, np.float32)
    numbers[:, 1] = 1
    settings = AugmentationSettings(preset="flips", flip=False, zoom_out=2)
    small, small_masks = augment(images, masks, numbers, settings)
    middle = slice(SIZE // 4, SIZE * 3 // 4)
    assert (small_masks.numpy() != CLASS_ID_IGNORED).mean() == 0.25
    np.testing.assert_array_equal(small_masks[:, middle, middle], masks[:, 1::2, 1::2])
    # Beyond its edges the photo is mirrored: no gray level that it does not have.
    assert np.isin(small.numpy()[:, 2:8, 2:8].round(), GRAYS).mean() > 0.5


def test_gray_takes_the_color_of_a_share_of_the_photos():
    images = np.random.default_rng(0).integers(0, 256, (400, 8, 8, 3)).astype(np.uint8)
    masks = np.zeros((400, 8, 8), np.uint8)
    settings = AugmentationSettings(preset="flips", gray=0.3)
    changed, _ = augment(images, masks, draws(400), settings)
    colorless = np.ptp(changed.numpy(), axis=-1).max(axis=(1, 2)) < 1e-2
    assert 0.2 < colorless.mean() < 0.4


def test_blur_is_a_gaussian_mixed_in():
    image = np.zeros((2, 9, 9, 3), np.float32)
    image[:, 4, 4] = 256
    once = np.outer(BINOMIAL, BINOMIAL) * 256
    blurred = blur(image, np.array([1.0, 0.5], np.float32)).numpy()
    np.testing.assert_allclose(blurred[0, 2:7, 2:7, 1], once, rtol=1e-5)
    np.testing.assert_allclose(blurred[1], (blurred[0] + image[1]) / 2, rtol=1e-5)


def test_cutout_hides_a_square_and_does_not_ask_for_it():
    images, masks = blobs(50)
    settings = AugmentationSettings(preset="flips", flip=False, cutout=0.5)
    hidden, changed_masks = (x.numpy() for x in augment(images, masks, draws(50), settings))
    gone = changed_masks == CLASS_ID_IGNORED
    assert (hidden[gone] == GRAY_LEVEL).all()
    np.testing.assert_array_equal(hidden[~gone], images[~gone])
    np.testing.assert_array_equal(changed_masks[~gone], masks[~gone])
    widths, heights = gone.any(axis=1).sum(axis=1), gone.any(axis=2).sum(axis=1)
    assert (np.abs(widths - heights) <= 1).all()
    np.testing.assert_array_equal(gone.sum(axis=(1, 2)), widths * heights)
    assert SIZE / 4 < widths.max() <= SIZE / 2


def test_cutout_hides_a_square_of_a_wide_image():
    masks = np.zeros((20, SIZE, 2 * SIZE), np.uint8)
    settings = AugmentationSettings(preset="flips", flip=False, cutout=0.5)
    _, changed = augment(np.repeat(masks[..., None], 3, -1), masks, draws(20), settings)
    gone = changed.numpy() == CLASS_ID_IGNORED
    widths, heights = gone.any(axis=1).sum(axis=1), gone.any(axis=2).sum(axis=1)
    assert (np.abs(widths - heights) <= 1).all()
    assert SIZE / 4 < widths.max() <= SIZE / 2
