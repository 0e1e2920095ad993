"""Photos are decoded upright in the graph, as Pillow turns them."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from petseg.files import image_file
from petseg.files.image_file import PHOTO_FORMATS, open_image, upright_rgb
from petseg.tf_exif import MOST_SEGMENTS, exif_orientation
from petseg.tf_photo import decode_photo
from tests.exif_files import ORIENTATIONS, exif_segment, jpeg, segment, tiff, turned_jpeg
from tests.trainer.pictures import encode, smooth_photo

PHOTO = smooth_photo(np.random.default_rng(3), 37, 52)
in_graph = tf.function(exif_orientation, input_signature=[tf.TensorSpec([], tf.string)])
EXIF_6 = exif_segment(tiff(6))
XMP_6 = segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta tiff:Orientation="6"/>')


def by_pillow(content: bytes) -> int:
    return image_file.exif_orientation(open_image(content, PHOTO_FORMATS, 10**6))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_every_orientation_is_decoded_upright(orientation, mode):
    content = turned_jpeg(PHOTO.convert(mode), orientation)
    decoded = tf.function(decode_photo)(tf.constant(content)).numpy()
    upright = np.asarray(upright_rgb(open_image(content, PHOTO_FORMATS, 10**6)))
    assert decoded.shape == upright.shape
    if mode == "CMYK":
        # TensorFlow and Pillow convert inks differently.
        assert np.abs(decoded.astype(int) - upright).mean() < 2
    else:
        np.testing.assert_array_equal(decoded, upright)


@given(
    orientation=st.integers(0, 9),
    byte_order=st.sampled_from("<>"),
    kind=st.sampled_from([3, 4]),
    before=st.integers(0, 5),
    gap=st.integers(0, 9),
    padding=st.integers(0, 3),
    others=st.lists(
        st.builds(segment, st.sampled_from([*range(0xE2, 0xF0), 0xFE]), st.binary(max_size=300)), max_size=5
    ),
    behind=st.binary(max_size=20),
)
@settings(max_examples=300, deadline=None)
def test_orientation_is_pillows(orientation, byte_order, kind, before, gap, padding, others, behind):
    block = tiff(orientation, byte_order, before, gap, kind)
    content = jpeg(PHOTO, *others, exif_segment(block, padding)) + behind
    expected = orientation if orientation in ORIENTATIONS else 1
    assert in_graph(content).numpy() == by_pillow(content) == expected


@given(data=st.data(), byte_order=st.sampled_from("<>"))
@settings(max_examples=300, deadline=None)
def test_damaged_exif_is_read_without_an_error(data, byte_order):
    content = bytearray(jpeg(PHOTO, segment(0xE2, bytes(9)), exif_segment(tiff(6, byte_order, before=2))))
    for position, value in data.draw(
        st.lists(st.tuples(st.integers(0, 130), st.integers(0, 255)), min_size=1, max_size=4)
    ):
        content[position] = value
    cut = data.draw(st.sampled_from([len(content), *range(130)]))
    assert in_graph(bytes(content[:cut])).numpy() in ORIENTATIONS


@pytest.mark.parametrize(
    ("content", "orientation"),
    {
        "no EXIF": (jpeg(PHOTO), 1),
        "other APP1 segments first": (jpeg(PHOTO, XMP_6, segment(0xE1, b"Exif"), EXIF_6), 6),
        "the tag in XMP only": (jpeg(PHOTO, XMP_6), 1),
        "a large color profile first": (jpeg(PHOTO, *[segment(0xE2, bytes(65_000))] * 40, EXIF_6), 6),
        "junk between segments": (jpeg(PHOTO, segment(0xE2, b""), b"junk", EXIF_6), 6),
        "a directory behind the segment's end": (jpeg(PHOTO, exif_segment(tiff(6)[:4] + b"\xff\xff\0\0")), 1),
        "a directory far away": (jpeg(PHOTO, exif_segment(tiff(6)[:4] + b"\xff\xff\xff\xff")), 1),
        "a directory that is cut": (jpeg(PHOTO, exif_segment(tiff(6, before=1)[:-30])), 1),
        "a directory that is cut behind the tag": (jpeg(PHOTO, exif_segment(tiff(6, before=1)[:-12])), 6),
        "an empty block": (jpeg(PHOTO, exif_segment(b"")), 1),
        "no byte order": (jpeg(PHOTO, exif_segment(b"XX" + tiff(6)[2:])), 1),
        "the tag twice": (
            jpeg(PHOTO, exif_segment(b"II*\0\x08\0\0\0\2\0" + tiff(3)[10:22] + tiff(6)[10:])),
            6,
        ),
        "EXIF twice": (jpeg(PHOTO, exif_segment(tiff(3)), EXIF_6), 3),
        "a comment that holds EXIF": (jpeg(PHOTO, segment(0xFE, EXIF_6)), 1),
    }.values(),
)
def test_unusual_exif_is_read_as_pillow_reads_it(content, orientation):
    assert in_graph(content).numpy() == by_pillow(content) == orientation


@pytest.mark.parametrize("file_format", ["PNG", "GIF", "BMP", "WEBP"])
def test_only_a_jpeg_is_turned(file_format):
    exif = Image.Exif()
    exif[0x0112] = 6
    assert in_graph(encode(PHOTO, file_format, exif=exif)).numpy() == 1


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0", b"text"]
)
def test_files_shorter_than_a_header_are_upright(content):
    assert in_graph(content).numpy() == 1


def test_padding_without_end_ends_the_search():
    content = b"\xff\xd8" + b"\xff" * MOST_SEGMENTS + EXIF_6
    assert in_graph(content).numpy() == 1
