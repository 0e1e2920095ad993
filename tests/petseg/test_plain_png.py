"""A plain PNG that TensorFlow can read is read alike by Pillow, whatever happened to its bytes."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from petseg.files.plain_png import plain_gray_pixels
from petseg.files.png_chunks import SIGNATURE

HEIGHT, WIDTH = 13, 9
VALUES = np.random.default_rng(1).integers(0, 4, (HEIGHT, WIDTH), np.uint8)


def png(image: Image.Image, **options: object) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG", **options)
    return content.getvalue()


def chunks(header: tuple[int, ...], stream: bytes, *others: tuple[bytes, bytes]) -> bytes:
    """A PNG with right checksums."""
    parts = [(b"IHDR", struct.pack(">IIBBBBB", *header)), (b"IDAT", stream), *others, (b"IEND", b"")]
    return SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def rows(filters: bytes) -> bytes:
    """The pixels, each row with the filter's number before it; only 0 means these pixels."""
    return b"".join(bytes([kind]) + row.tobytes() for kind, row in zip(filters, VALUES, strict=True))


PLAIN = png(Image.fromarray(VALUES))
HEADER = (WIDTH, HEIGHT, 8, 0, 0, 0, 0)
STREAM = zlib.compress(rows(bytes(HEIGHT)))


def read_by_tensorflow(content: bytes) -> np.ndarray | None:
    try:
        return tf.io.decode_png(content, channels=1).numpy()[..., 0]
    except tf.errors.InvalidArgumentError:
        return None


def read_by_pillow(content: bytes) -> np.ndarray | None:
    try:
        return np.asarray(Image.open(io.BytesIO(content)))
    except (OSError, SyntaxError, ValueError):
        return None


def check(content: bytes) -> bool:
    """Whether a file is plain and read."""
    if plain_gray_pixels(content) is None:
        return False
    by_pillow, by_tensorflow = read_by_pillow(content), read_by_tensorflow(content)
    if by_tensorflow is None:
        return False
    assert by_pillow is not None
    np.testing.assert_array_equal(by_pillow, by_tensorflow)
    return plain_gray_pixels(content) == by_tensorflow.size


@pytest.mark.parametrize(
    "content", [PLAIN, chunks(HEADER, STREAM), png(Image.fromarray(VALUES), optimize=True)], ids=len
)
def test_what_programs_write_is_plain(content):
    assert check(content)


comment = PngInfo()
comment.add_text("Title", "a mask")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        SIGNATURE,
        PLAIN[:-1],
        PLAIN[:-12],
        PLAIN[:-20],
        PLAIN + b"more",
        png(Image.fromarray(VALUES), pnginfo=comment),
        png(Image.fromarray(VALUES), transparency=1),
        png(Image.fromarray(VALUES).convert("RGB")),
        png(Image.fromarray(VALUES).convert("P")),
        chunks((WIDTH, HEIGHT, 8, 0, 0, 0, 1), STREAM),
        chunks((WIDTH, HEIGHT, 8, 0, 1, 0, 0), STREAM),
        chunks(HEADER, STREAM, (b"gAMA", struct.pack(">I", 45455))),
        chunks(HEADER, STREAM, (b"IHDR", struct.pack(">IIBBBBB", *HEADER))),
    ],
)
def test_anything_else_is_not(content):
    assert plain_gray_pixels(content) is None


@pytest.mark.parametrize(
    "stream",
    [
        STREAM[:-1],
        STREAM[:-1] + bytes([STREAM[-1] ^ 1]),
        zlib.compress(rows(bytes(HEIGHT))[:-1]),
        zlib.compress(rows(bytes([5]) + bytes(HEIGHT - 1))),
    ],
)
def test_pixels_that_are_not_whole_are_not_read(stream):
    assert read_by_tensorflow(chunks(HEADER, stream)) is None
    assert not check(chunks(HEADER, stream))


@pytest.mark.parametrize("stream", [STREAM + b"\0", zlib.compress(rows(bytes(HEIGHT)) + b"\0")])
def test_what_follows_the_pixels_changes_nothing(stream):
    assert check(chunks(HEADER, stream))
    np.testing.assert_array_equal(read_by_tensorflow(chunks(HEADER, stream)), VALUES)


@given(filters=st.binary(min_size=HEIGHT, max_size=HEIGHT).map(lambda f: bytes(b % 6 for b in f)))
@settings(deadline=None)
def test_every_filter_of_a_row(filters):
    content = chunks(HEADER, zlib.compress(rows(filters)))
    assert check(content) == (5 not in filters)


@given(
    position=st.integers(0, len(PLAIN)),
    removed=st.integers(0, 5),
    added=st.binary(max_size=5),
    fixed=st.booleans(),
)
@example(position=len(PLAIN) - 16, removed=1, added=b"\0", fixed=True)
@settings(deadline=None, max_examples=300)
def test_no_damage_is_called_plain_and_read_differently(position, removed, added, fixed):
    """With `fixed`, the damage is in the compressed pixels, whose checksum is made right again."""
    if fixed:
        position = min(position, len(STREAM))
        content = chunks(HEADER, STREAM[:position] + added + STREAM[position + removed :])
    else:
        content = PLAIN[:position] + added + PLAIN[position + removed :]
    check(content)
