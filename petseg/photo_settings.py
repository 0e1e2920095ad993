"""How photo files are read: what `run` was told about them, and `predict` and `app` need to know."""

from pydantic import Field

from petseg.settings import Settings


class PhotoSettings(Settings):
    """The settings of `data` that say how a photo's file becomes pixels. They travel with the model."""

    photo_range: tuple[float, float] | None = Field(None, description="See data.photo_range.")
    max_pixels: int = Field(50_000_000, ge=1, description="See data.max_pixels.")
