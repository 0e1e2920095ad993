"""Chunks of a PNG that say nothing about its pixels."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COMMENTS_AND_PROFILE = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
EXIF_COMMENT = b"Raw profile type exif\0"
"""Keyword of the comment in which older programs keep EXIF."""

FRAME = 12
"""Bytes of a chunk around its content: length, kind, checksum."""


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
