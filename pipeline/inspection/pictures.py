"""Thumbnails of pairs: the photo, and the photo with its mask in the colors of the classes."""

import base64
import dataclasses
import io
from collections.abc import Mapping

import numpy as np
from PIL import Image

from components.example_gen.looks.dataset import MAX_BYTES, OpenedPair
from components.example_gen.looks.images import look_at_mask, look_at_photo
from components.example_gen.sources import is_rendered
from petseg.errors import BrokenFileError
from petseg.files.image_file import turn_upright
from petseg.overlay import OVERLAY_OPACITY

THUMBNAIL = 256


@dataclasses.dataclass(frozen=True)
class ShownPair:
    """A pair on the page; images are data URIs.

    Attributes:
        name: Of the pair.
        photo: The photo, upright.
        overlay: The photo with its mask.
        width: Of both in pixels.
        height: Of both in pixels.
        shares: Share of each class, in words.
        reason: Why it is shown; empty for a random one.
    """

    name: str
    photo: str
    overlay: str
    width: int
    height: int
    shares: list[str]
    reason: str


def show_pair(
    pair: OpenedPair, colors: Mapping[int, str], names: Mapping[int, str], reason: str = ""
) -> ShownPair | None:
    """Draws a pair; None if its files are gone.

    Args:
        pair: An opened pair.
        colors: #rrggbb of each value of its masks; other values keep the photo's color.
        names: Name of each of these values.
        reason: Why it is shown.
    """
    try:
        look, photo = look_at_photo(pair.source.photo.read(MAX_BYTES))
        if is_rendered(pair.source.mask):
            values = np.asarray(pair.source.mask.render(look.height, look.width))
        else:
            values = look_at_mask(pair.source.mask.read(MAX_BYTES))[1]
            if pair.mask and pair.mask.levels:
                values = np.array([pair.mask.level(index) for index in range(256)])[values]
    except BrokenFileError:
        return None
    photo.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    if (values.shape[0] > values.shape[1]) != (look.height > look.width) and look.orientation != 1:
        values = np.asarray(turn_upright(Image.fromarray(values.astype(np.int32)), look.orientation))
    painted = _painted(photo, values, colors)
    return ShownPair(
        name=pair.source.name,
        photo=_data_uri(photo),
        overlay=_data_uri(painted),
        width=photo.width,
        height=photo.height,
        shares=_shares(pair, names),
        reason=reason,
    )


def _painted(photo: Image.Image, values: np.ndarray, colors: Mapping[int, str]) -> Image.Image:
    rows = ((np.arange(photo.height) + 0.5) * values.shape[0] / photo.height).astype(int)
    columns = ((np.arange(photo.width) + 0.5) * values.shape[1] / photo.width).astype(int)
    small = values[rows][:, columns]
    painted = np.array(photo)
    for value, color in colors.items():
        painted[small == value] = list(bytes.fromhex(color[1:]))
    return Image.blend(photo, Image.fromarray(painted), OVERLAY_OPACITY)


def _shares(pair: OpenedPair, names: Mapping[int, str]) -> list[str]:
    if not pair.mask:
        return []
    total = sum(pair.mask.values.values())
    largest = sorted(pair.mask.values.items(), key=lambda item: -item[1])[:6]
    return [f"{names.get(value, value)} {count / total:.0%}" for value, count in largest]


def _data_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
