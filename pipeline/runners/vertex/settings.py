"""Settings of Vertex AI Pipelines."""

from pydantic import Field, field_validator

from petseg.settings import Settings
from pipeline.runners.address import checked_address


class VertexSettings(Settings):
    """A Vertex AI project. Credentials are Google's default ones, never settings."""

    project: str | None = Field(None, description="Id of the Google Cloud project.")
    region: str | None = Field(None, description="Region of the runs, such as europe-west4.")
    endpoint: str | None = Field(
        None, description="Address of a private API endpoint; null: the region's public one."
    )

    @field_validator("endpoint")
    @classmethod
    def _bare_address(cls, endpoint: str | None) -> str | None:
        return endpoint if endpoint is None else checked_address(endpoint)
