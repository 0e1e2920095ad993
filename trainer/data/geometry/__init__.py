"""How photos and masks meet the model's input, alike in Transform, training, serving and evaluation."""

from trainer.data.geometry.resizing import Size
from trainer.data.geometry.tiles import Tiles
from trainer.data.geometry.whole_photo import WholePhoto
from trainer.data.geometry.windows import Windows
from trainer.data.transform_settings import TransformSettings

__all__ = ["Geometry", "Size", "Tiles", "WholePhoto", "Windows", "photo_geometry", "stored_geometry"]

Geometry = WholePhoto | Tiles


def photo_geometry(transform: TransformSettings, size: Size) -> Geometry:
    """The geometry that `transform.fit` names, for an input of a height and width in pixels."""
    if transform.fit == "tile":
        return Tiles(Windows(size, transform.overlap_in(size)), transform.scale, transform.interpolation)
    return WholePhoto(transform.fit, size, transform.interpolation)


def stored_geometry(transform: TransformSettings, size: Size) -> Geometry:
    """The geometry of stored training examples, which are larger by `transform.training_scale`."""
    geometry = photo_geometry(transform, size)
    return geometry.enlarged(transform.training_scale) if isinstance(geometry, WholePhoto) else geometry
