"""Photos as the network takes them, outside a graph."""

from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from petseg.tf_photo import decode_photo
from trainer.data.geometry import Tiles, photo_geometry
from trainer.settings import TrainingSettings


def prepared_photos(photos: Sequence[bytes], settings: TrainingSettings) -> NDArray[np.uint8]:
    """Decodes photos and brings them to the input's size as the signatures do.

    Args:
        photos: files, see `petseg.tf_photo.decode_photo`.
        settings: of the model. With `transform.fit: tile` the window in the middle of each photo is taken.

    Returns:
        uint8 [n, height, width, 3] at model resolution.
    """
    return np.stack(list(_prepared(photos, settings)))


def _prepared(photos: Sequence[bytes], settings: TrainingSettings) -> Iterator[NDArray[np.uint8]]:
    geometry = photo_geometry(settings.transform, settings.model.input_size)
    for photo in photos:
        prepared = geometry.prepare(decode_photo(tf.constant(photo))).numpy()
        if isinstance(geometry, Tiles):
            prepared = _middle_window(prepared, geometry)
        yield prepared


def _middle_window(photo: NDArray[np.uint8], tiles: Tiles) -> NDArray[np.uint8]:
    sides = photo.shape[:2]
    middle = [np.array([count // 2]) for count in tiles.windows.counts(*sides)]
    rows, columns = (tiles.windows.positions(axis, middle[axis], sides[axis])[0] for axis in (0, 1))
    return photo[np.ix_(rows, columns)]
