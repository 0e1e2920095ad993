"""Tells PNGs that every decoder must read alike, without decoding them."""

import struct
import zlib

from petseg.files.png_chunks import FRAME, SIGNATURE

MOST_PLAIN = 2**14
"""Height and width up to which a PNG is plain. Decoders have limits for larger ones."""

MOST_FILTER = 4
"""The last of PNG's filters of a row (RFC 2083, section 6)."""


def is_plain_gray(content: bytes, height: int, width: int) -> bool:
    """Whether a file is an 8-bit gray PNG that every decoder must read alike.

    It has its header, its pixels, and nothing else, all checksums are right, and the compressed stream holds
    exactly the pixels. It costs a third of decoding.

    Args:
        content: The file.
        height: Pixels that it should have.
        width: Pixels that it should have.
    """
    stream = []
    kinds = []
    position = len(SIGNATURE)
    if not content.startswith(SIGNATURE) or max(height, width) > MOST_PLAIN:
        return False
    while position + FRAME <= len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + FRAME + length
        checksum = content[end - 4 : end]
        if end > len(content) or zlib.crc32(content[position + 4 : end - 4]).to_bytes(4, "big") != checksum:
            return False
        body = content[position + 8 : end - 4]
        if kind == b"IHDR" and body != struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0):
            return False
        if kind == b"IDAT":
            stream.append(body)
        kinds.append(kind)
        position = end
    return (
        position == len(content)
        and kinds == [b"IHDR", *[b"IDAT"] * len(stream), b"IEND"]
        and not body
        and _holds_rows(b"".join(stream), height, 1 + width)
    )


def _holds_rows(stream: bytes, rows: int, bytes_a_row: int) -> bool:
    """Whether a zlib stream is whole, and holds rows that begin with a known filter."""
    inflater = zlib.decompressobj(wbits=0)
    try:
        content = inflater.decompress(stream, rows * bytes_a_row + 1)
    except zlib.error:
        return False
    is_whole = inflater.eof and not inflater.unused_data and len(content) == rows * bytes_a_row
    return is_whole and max(content[::bytes_a_row]) <= MOST_FILTER
