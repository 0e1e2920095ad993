"""Settings of the report."""

from pydantic import Field

from petseg.settings import Settings


class ReportSettings(Settings):
    """What the report shows, and where it goes."""

    directory: str | None = Field(
        None,
        description="Folder, s3://bucket/folder or gs://bucket/folder to which a local run copies its folder "
        "runs/<run id> as well; null: none.",
    )
    photos: int = Field(12, ge=1, le=100, description="Best, worst and random photos shown, each.")
    seed: int = Field(0, ge=0, description="Seed of the random photos.")
