"""Settings of the report."""

from pydantic import Field

from trainer.settings import Settings


class ReportSettings(Settings):
    """What the report shows."""

    photos: int = Field(12, ge=1, le=100, description="Best, worst and random photos shown, each.")
    seed: int = Field(0, ge=0, description="Seed of the random photos.")
