"""Chunks of a PNG: comments are left out, a palette is put in, and the pixels stay as they are."""

import zlib
from collections.abc import Mapping

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COMMENTS_AND_PROFILE = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
EXIF_COMMENT = b"Raw profile type exif\0"
"""Keyword of the comment in which older programs keep EXIF."""

FRAME = 12
"""Bytes of a chunk around its content: length, kind, checksum."""

COLOR_TYPE = 25
"""Index of the color type in a PNG file."""

GRAY, PALETTE = 0, 3

HEADER_END = len(SIGNATURE) + FRAME + 13
"""Where the first chunk ends."""


def without_comments(content: bytes) -> bytes:
    """Leaves out a PNG's comments and its color profile.

    Pillow refuses an image whose comments or profile are large once they are decompressed. EXIF stays.

    Args:
        content: A file of any kind; what is no PNG is returned as it is.
    """
    if not content.startswith(SIGNATURE) or not any(kind in content for kind in COMMENTS_AND_PROFILE):
        return content
    kept, position = [SIGNATURE], len(SIGNATURE)
    while position < len(content):
        length = int.from_bytes(content[position : position + 4], "big")
        kind = content[position + 4 : position + 8]
        end = position + FRAME + length
        if kind not in COMMENTS_AND_PROFILE or content.startswith(EXIF_COMMENT, position + 8):
            kept.append(content[position:end])
        position = end
    return b"".join(kept)


def with_palette(content: bytes, colors: Mapping[int, tuple[int, int, int]]) -> bytes:
    """Gives a gray PNG of 8 bits a palette, so that viewers show its values in colors.

    Args:
        content: The PNG.
        colors: RGB color by gray level, which becomes the index in the palette. Other levels are black.
    """
    if content[COLOR_TYPE] != GRAY:
        raise ValueError(f"The PNG must be gray. Received instead: color type {content[COLOR_TYPE]}")
    header = bytearray(content[len(SIGNATURE) + 4 : HEADER_END - 4])
    header[COLOR_TYPE - len(SIGNATURE) - 4] = PALETTE
    palette = b"".join(bytes(colors.get(level, (0, 0, 0))) for level in range(max(colors) + 1))
    return b"".join([SIGNATURE, _chunk(bytes(header)), _chunk(b"PLTE" + palette), content[HEADER_END:]])


def _chunk(kind_and_content: bytes) -> bytes:
    length, checksum = len(kind_and_content) - 4, zlib.crc32(kind_and_content)
    return length.to_bytes(4, "big") + kind_and_content + checksum.to_bytes(4, "big")
