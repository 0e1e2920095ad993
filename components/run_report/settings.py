"""Settings of the report."""

from pydantic import Field

from petseg.settings import Settings


class ReportSettings(Settings):
    """What the report shows and where it is copied to."""

    directory: str | None = Field(
        None,
        description="Folder, s3://bucket/folder or gs://bucket/folder to which a local run also copies its "
        "folder runs/<run id>; null: none.",
    )
    photos: int = Field(12, ge=1, le=100, description="Number of photos in each group: best, worst, random.")
    seed: int = Field(0, ge=0, description="Seed that selects the random photos.")
