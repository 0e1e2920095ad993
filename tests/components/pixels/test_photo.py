"""Photos are decoded as Transform and the signatures decode them, whichever way is taken."""

import io

import numpy as np
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.example_gen.pixels import photo as photo_module
from components.example_gen.pixels.photo import EXIF_MARK, Photo, load_photo
from petseg.tf_exif import exif_orientation
from petseg.tf_photo import decode_photo
from tests.components import tiny_pairs
from tests.exif_files import turned_jpeg

MAX_PIXELS = 10**6
orientation_in_graph = tf.function(exif_orientation, input_signature=[tf.TensorSpec([], tf.string)])

Segments = st.lists(st.tuples(st.sampled_from([0xE1, 0xE0, 0xFE]), st.binary(max_size=40)), max_size=4)


def jpeg() -> bytes:
    content = io.BytesIO()
    tiny_pairs.photo(1).save(content, "JPEG")
    return content.getvalue()


@given(segments=Segments)
@settings(deadline=None)
def test_without_the_mark_no_orientation_is_found(segments):
    """So the search for EXIF in the graph can be left out."""
    extra = b"".join(
        bytes([0xFF, kind]) + (len(content) + 2).to_bytes(2, "big") + content for kind, content in segments
    )
    content = jpeg()[:2] + extra + jpeg()[2:]
    if EXIF_MARK not in content:
        assert orientation_in_graph(tf.constant(content)).numpy() == 1
        photo = load_photo(content, MAX_PIXELS)
        assert_bright_as(photo, content)


def assert_bright_as(photo: Photo, content: bytes) -> None:
    """As the shared image path decodes the file: exactly, or but for rounding between color spaces."""
    pixels = decode_photo(tf.constant(content)).numpy()
    np.testing.assert_array_equal(photo.pixels(), pixels)
    expected = np.asarray(Image.fromarray(pixels).convert("L")).astype(int)
    difference = np.abs(photo.brightness - expected)
    assert difference.mean() < 1
    assert difference.max() <= (0 if content.startswith(b"\x89PNG") else 8)


def test_pixels_are_those_of_the_shared_image_path():
    files = [turned_jpeg(tiny_pairs.photo(2), orientation) for orientation in range(1, 9)]
    for kind in ("JPEG", "PNG"):
        for mode in ("RGB", "L"):
            content = io.BytesIO()
            tiny_pairs.photo(3).convert(mode).save(content, kind)
            files.append(content.getvalue())
    for content in files:
        photo = load_photo(content, MAX_PIXELS)
        assert photo.encoded == content
        assert_bright_as(photo, content)


def test_a_photo_with_too_many_samples_for_tensorflow_is_measured_in_color(monkeypatch):
    monkeypatch.setattr(photo_module, "MOST_SAMPLES", 3 * 48 * 64)
    content = turned_jpeg(tiny_pairs.photo(2), 6)
    photo = load_photo(content, MAX_PIXELS)
    assert photo.encoded == content
    assert_bright_as(photo, content)
