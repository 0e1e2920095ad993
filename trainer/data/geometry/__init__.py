"""How photos and masks meet the model's input, alike in Transform, training, serving and evaluation."""

from trainer.data.geometry.resizing import Size
from trainer.data.geometry.whole_photo import WholePhoto
from trainer.data.transform_settings import TransformSettings

__all__ = ["Size", "WholePhoto", "photo_geometry", "stored_geometry"]


def photo_geometry(transform: TransformSettings, size: Size) -> WholePhoto:
    """The geometry that `transform.fit` names, for an input of a height and width in pixels."""
    return WholePhoto(transform.fit, size, transform.interpolation)


def stored_geometry(transform: TransformSettings, size: Size) -> WholePhoto:
    """The geometry of stored training examples, which are larger by `transform.training_scale`."""
    height, width = (round(side * transform.training_scale) for side in size)
    return photo_geometry(transform, (height, width))
