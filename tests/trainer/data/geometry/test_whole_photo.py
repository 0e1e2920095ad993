"""Photos and masks in the model's input and back."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given
from hypothesis import strategies as st

from petseg.class_table import CLASS_ID_IGNORED
from trainer.data.geometry.resizing import reflected
from trainer.data.geometry.whole_photo import WholePhoto

SIDES = st.integers(1, 300)
INPUT_SIZES = st.sampled_from([(32, 32), (64, 96), (160, 32)])
FITS = st.sampled_from(["stretch", "pad"])


def blocks(height, width, seed=0):
    """Class ids 0 to 3 in up to 3 x 3 blocks, which no resizing can lose in a large photo."""
    coarse = np.random.default_rng(seed).integers(0, 4, (min(3, height), min(3, width)))
    rows, columns = (
        np.arange(side) * of // side for side, of in zip((height, width), coarse.shape, strict=True)
    )
    return coarse[rows][:, columns].astype(np.uint8)


@given(fit=FITS, size=INPUT_SIZES, height=SIDES, width=SIDES)
@example(fit="pad", size=(32, 32), height=1, width=6000)
@example(fit="pad", size=(32, 32), height=4000, width=1)
def test_photo_and_mask_lie_in_the_same_place_and_come_back(fit, size, height, width):
    ids = blocks(height, width)
    whole = WholePhoto(fit, size, "area")
    photo = whole.prepare(tf.constant(np.repeat(ids[..., None] * 60, 3, axis=-1)))
    mask = whole.prepare_mask(tf.constant(ids))
    assert photo.shape == (*size, 3)
    assert mask.shape == size
    native_size = tf.constant([height, width])
    shown = whole.cut(photo, native_size).numpy()
    labels = whole.cut(mask[..., tf.newaxis], native_size).numpy()[..., 0]
    assert shown.shape[:2] == labels.shape
    assert (labels != CLASS_ID_IGNORED).all()
    # The padding holds no label, and nothing that the photo does not show.
    assert (mask.numpy() != CLASS_ID_IGNORED).sum() == labels.size
    assert set(np.unique(photo)) <= set(np.unique(shown))
    # Back at native resolution, all but the blocks' edges is where it was.
    back = tf.image.resize(labels[..., None], [height, width], method="nearest").numpy()[..., 0]
    assert (back != ids).mean() <= sum(
        3 / min(side, large) for side, large in zip((height, width), labels.shape, strict=True)
    )
    agree = np.abs(shown[..., 0].astype(int) - labels.astype(int) * 60) <= 30
    assert agree.mean() >= 1 - sum(3 / side for side in labels.shape)


@given(size=INPUT_SIZES, height=SIDES, width=SIDES)
def test_pad_keeps_the_aspect_and_fills_one_side(size, height, width):
    whole = WholePhoto("pad", size, "bilinear")
    cut = whole.cut(tf.zeros([*size, 1]), tf.constant([height, width])).shape[:2]
    scale = min(size[0] / height, size[1] / width)
    for side, native, of_input in zip(cut, (height, width), size, strict=True):
        assert abs(side - max(1, native * scale)) <= 0.5
        assert side <= of_input
    assert cut[0] == size[0] or cut[1] == size[1]


def test_the_padding_is_the_photos_reflection():
    photo = np.zeros((32, 64, 3), np.uint8)
    photo[0], photo[1], photo[-1] = 10, 20, 30
    prepared = WholePhoto("pad", (64, 64), "bilinear").prepare(tf.constant(photo)).numpy()
    np.testing.assert_array_equal(prepared[16:48], photo)
    assert prepared[14:18, 0, 0].tolist() == [20, 10, 10, 20]
    assert prepared[47:50, 0, 0].tolist() == [30, 30, 0]


@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_a_batch_of_photos_is_prepared_as_each_of_them(fit):
    photos = np.random.default_rng(0).integers(0, 256, (3, 50, 30, 3), dtype=np.uint8)
    whole = WholePhoto(fit, (64, 96), "bilinear")
    alone = np.stack([whole.prepare(tf.constant(photo)) for photo in photos])
    np.testing.assert_array_equal(whole.prepare(tf.constant(photos)), alone)


@given(start=st.integers(-50, 50), length=st.integers(1, 9))
def test_reflection_turns_back_at_both_ends(start, length):
    line = np.arange(length)
    mirrored = np.concatenate([line, line[::-1]] * 60)
    positions = np.arange(start, start + 20)
    expected = mirrored[positions + 2 * length * 25] if length else None
    np.testing.assert_array_equal(reflected(positions, length), expected)
    np.testing.assert_array_equal(reflected(tf.constant(positions), length), expected)
