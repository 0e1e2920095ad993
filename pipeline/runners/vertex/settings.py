"""Settings of Vertex AI Pipelines."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from petseg.settings import Settings
from pipeline.runners.address import checked_address

LabelName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
LabelValue = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{0,63}$")]


class VertexSettings(Settings):
    """A Vertex AI project. Credentials are Google's default ones, never settings."""

    project: str | None = Field(None, description="Id of the Google Cloud project.")
    region: str | None = Field(None, description="Region of the runs, such as europe-west4.")
    endpoint: str | None = Field(
        None, description="Address of a private API endpoint; null: the region's public one."
    )
    network: str | None = Field(
        None,
        pattern=r"^projects/[^/]+/global/networks/[^/]+$",
        description="VPC network that the steps are peered with, as projects/NUMBER/global/networks/NAME; "
        "null: none.",
    )
    labels: dict[LabelName, LabelValue] = Field({}, description="Labels of the runs, such as a cost center.")

    @field_validator("endpoint")
    @classmethod
    def _bare_address(cls, endpoint: str | None) -> str | None:
        return endpoint if endpoint is None else checked_address(endpoint)
