"""Windows over a photo: what goes in comes back where it was."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trainer.data.geometry import Tiles, Windows

SIDES = st.integers(1, 150)
GRIDS = st.sampled_from([Windows((32, 32), 8), Windows((32, 64), 0), Windows((64, 32), 30)])


def random_photo(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def slide(tiles, photo, predict=lambda windows: tf.cast(windows, tf.float32), at_once=4, native_size=None):
    """What a network that predicts `predict` of its windows makes of a photo."""
    prepared = tiles.prepare(tf.constant(photo))
    ((whole,),) = tiles.slide(
        prepared, predict, lambda kept: [kept], [tf.float32], at_once=at_once, result_sizes=[native_size]
    )
    return prepared.numpy(), whole.numpy()


@given(windows=GRIDS, height=SIDES, width=SIDES)
@example(windows=Windows((32, 32), 8), height=1, width=1)
@example(windows=Windows((32, 32), 8), height=24, width=25)
@settings(max_examples=40)
def test_a_network_that_copies_its_input_gives_the_photo_back(windows, height, width):
    photo = random_photo(height, width)
    _, whole = slide(Tiles(windows, 1.0, "bilinear"), photo)
    np.testing.assert_array_equal(whole, photo)


@given(windows=GRIDS, height=SIDES, width=SIDES)
@settings(max_examples=60)
def test_inner_parts_cover_each_pixel_exactly_once(windows, height, width):
    covered = np.zeros((height, width), int)
    rows, columns = windows.counts(height, width)
    for row in range(rows):
        for column in range(columns):
            seen = [
                windows.positions(axis, np.array([at]), side)[0]
                for axis, at, side in ((0, row, height), (1, column, width))
            ]
            kept = [
                windows.inside(axis, np.array([at]), side)[0]
                for axis, at, side in ((0, row, height), (1, column, width))
            ]
            assert all(len(positions) == side for positions, side in zip(seen, windows.size, strict=True))
            covered[np.ix_(seen[0][kept[0]], seen[1][kept[1]])] += 1
    assert (covered == 1).all()


@given(
    windows=st.sampled_from([Windows((32, 32), 8), Windows((32, 64), 2)]),
    scale=st.sampled_from([0.3, 0.5, 0.77, 1.5, 2.0]),
    height=SIDES,
    width=SIDES,
)
@settings(max_examples=40)
def test_at_native_resolution_it_is_the_scaled_photo_resized_back(windows, scale, height, width):
    photo = random_photo(height, width)
    size = tf.constant([height, width])
    prepared, whole = slide(Tiles(windows, scale, "bilinear"), photo, native_size=size)
    assert prepared.shape[:2] == tuple(max(1, round(side * scale)) for side in (height, width))
    # Rounding of positions in float32 moves a sample by some thousandths of a pixel.
    expected = tf.image.resize(tf.cast(prepared, tf.float32), size)
    np.testing.assert_allclose(whole, expected, atol=0.05)


def test_windows_show_the_photos_surroundings_and_its_reflection_beyond_the_edges():
    photo = random_photo(20, 50)
    windows = Windows((32, 32), 16)
    rows, columns = (
        windows.positions(axis, np.array([at]), side)[0] for axis, at, side in ((0, 0, 20), (1, 1, 50))
    )
    window = photo[rows][:, columns]
    np.testing.assert_array_equal(window[8:28], photo[:, 8:40])
    np.testing.assert_array_equal(window[:8], photo[7::-1, 8:40])
    np.testing.assert_array_equal(window[28:], photo[:15:-1, 8:40])


@pytest.mark.parametrize("at_once", [1, 2, 5, 64])
def test_the_result_does_not_depend_on_the_batch(at_once):
    def predict(windows):
        windows = tf.cast(windows, tf.float32)
        return windows - tf.reduce_mean(windows, axis=(1, 2), keepdims=True)

    tiles, photo = Tiles(Windows((32, 32), 8), 1.0, "bilinear"), random_photo(75, 130)
    np.testing.assert_array_equal(
        slide(tiles, photo, predict, at_once)[1], slide(tiles, photo, predict, at_once=3)[1]
    )


@given(scale=st.sampled_from([0.5, 1.0, 1.7]), height=SIDES, width=SIDES)
@settings(max_examples=20)
def test_a_constant_network_predicts_the_same_as_without_tiles(scale, height, width):
    tiles = Tiles(Windows((32, 32), 8), scale, "bilinear")

    def predict(windows):
        return tf.fill([tf.shape(windows)[0], 32, 32, 2], 0.25)

    _, whole = slide(tiles, random_photo(height, width), predict, native_size=tf.constant([height, width]))
    np.testing.assert_allclose(whole, np.full((height, width, 2), 0.25), rtol=1e-6)


def test_a_prediction_depends_on_no_pixel_beyond_its_window():
    """A network that sees 9 pixels: with an overlap of 8, windows change nothing inside the photo."""
    kernel = tf.ones([9, 9, 3, 1])

    def predict(windows):
        return tf.nn.conv2d(tf.cast(windows, tf.float32), kernel, 1, "SAME")

    photo = random_photo(70, 90)
    _, whole = slide(Tiles(Windows((32, 32), 8), 1.0, "bilinear"), photo, predict)
    untiled = predict(tf.constant(photo[None]))[0].numpy()
    np.testing.assert_allclose(whole[4:-4, 4:-4], untiled[4:-4, 4:-4], rtol=1e-6)


def test_masks_are_scaled_as_photos():
    ids = np.zeros((40, 60), np.uint8)
    ids[10:20] = 1
    tiles = Tiles(Windows((32, 32), 8), 0.5, "bilinear")
    mask = tiles.prepare_mask(tf.constant(ids)).numpy()
    photo = tiles.prepare(tf.constant(np.repeat(ids[..., None] * 200, 3, axis=-1))).numpy()
    assert mask.shape == photo.shape[:2] == (20, 30)
    np.testing.assert_array_equal(mask == 1, photo[..., 0] > 100)
    np.testing.assert_array_equal(np.flatnonzero(mask[:, 0]), np.arange(5, 10))
