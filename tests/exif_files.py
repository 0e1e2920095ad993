"""JPEGs with EXIF of every kind, made byte by byte, for tests of those who obey its orientation."""

import io
import struct

from PIL import Image

from petseg.files.image_file import TURNS

ORIENTATIONS = tuple(range(1, 9))


def stored(upright: Image.Image, orientation: int) -> Image.Image:
    """The photo as a camera that was held so stores it: EXIF's orientation makes it upright again."""
    back = {6: 8, 8: 6}.get(orientation, orientation)
    return upright.transpose(TURNS[back]) if back in TURNS else upright


def tiff(orientation: int, byte_order: str = "<", before: int = 0, gap: int = 0, kind: int = 3) -> bytes:
    """A TIFF block whose first directory has the orientation.

    Args:
        orientation: The value.
        byte_order: `<` little endian, `>` big endian.
        before: Entries of other tags before it; as many follow it.
        gap: Bytes between the header and the directory.
        kind: The entry's type: 3 SHORT, 4 LONG.
    """
    header = {"<": b"II*\0", ">": b"MM\0*"}[byte_order]
    value = struct.pack(
        f"{byte_order}{'HH' if kind == 3 else 'L'}", *((orientation, 0) if kind == 3 else (orientation,))
    )
    others = [struct.pack(f"{byte_order}HHL4s", 0x0100 + entry, 3, 1, b"\6\0\0\6") for entry in range(before)]
    later = [struct.pack(f"{byte_order}HHL4s", 0x0200 + entry, 4, 1, b"\6\0\0\6") for entry in range(before)]
    entries = [*others, struct.pack(f"{byte_order}HHL4s", 0x0112, kind, 1, value), *later]
    directory = struct.pack(f"{byte_order}H", len(entries)) + b"".join(entries) + bytes(4)
    return header + struct.pack(f"{byte_order}L", 8 + gap) + b"\6" * gap + directory


def segment(marker: int, payload: bytes, padding: int = 0) -> bytes:
    """A segment of a JPEG; `padding` bytes of 0xFF before its marker are allowed."""
    return b"\xff" * padding + bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def exif_segment(block: bytes, padding: int = 0) -> bytes:
    return segment(0xE1, b"Exif\0\0" + block, padding)


def jpeg(picture: Image.Image, *segments: bytes, **options: object) -> bytes:
    """A JPEG with segments right behind its first marker, before the one that Pillow writes."""
    file = io.BytesIO()
    picture.save(file, "JPEG", **{"quality": 95, **options})
    content = file.getvalue()
    return content[:2] + b"".join(segments) + content[2:]


def turned_jpeg(upright: Image.Image, orientation: int, **options: object) -> bytes:
    """The upright photo as a phone stores it."""
    return jpeg(stored(upright, orientation), exif_segment(tiff(orientation)), **options)
