"""Tells PNGs that every decoder must read alike, without decoding them."""

import struct
import zlib

from petseg.files.png_chunks import FRAME, SIGNATURE

MOST_PLAIN = 2**14
"""Height and width up to which a PNG is plain. Decoders have limits for larger ones."""

GRAY_OF_8_BITS = bytes([8, 0, 0, 0, 0])
"""The end of a header: 8 bits, gray, the only compression and filter method, not interlaced."""


def plain_gray_pixels(content: bytes) -> int | None:
    """Number of pixels of an 8-bit gray PNG that every decoder which can decode it must read alike.

    It has its header, compressed pixels, and nothing else, and all checksums are right. Whether its pixels
    are whole, only decoding tells.

    Args:
        content: A file of any kind.

    Returns:
        Height times width; None if it is something else.
    """
    if not content.startswith(SIGNATURE):
        return None
    kinds = []
    position = len(SIGNATURE)
    header = b""
    while position + FRAME <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + FRAME + length
        checksum = content[end - 4 : end]
        if end > len(content) or zlib.crc32(content[position + 4 : end - 4]).to_bytes(4, "big") != checksum:
            return None
        if kind == b"IHDR":
            header = content[position + 8 : end - 4]
        kinds.append(kind)
        position = end
    is_whole = position == len(content) and kinds == [b"IHDR", *[b"IDAT"] * (len(kinds) - 2), b"IEND"]
    if not is_whole or length or len(header) != 13 or header[8:] != GRAY_OF_8_BITS:
        return None
    width, height = struct.unpack_from(">II", header)
    return height * width if max(height, width) <= MOST_PLAIN else None
