"""Settings of the push."""

from pydantic import Field

from petseg.settings import Settings


class PushSettings(Settings):
    """Where blessed models go."""

    directory: str | None = Field(
        None,
        description="Folder of versions, or s3://bucket/folder, gs://bucket/folder; null: serving_model in "
        "the output.",
    )
    keep_versions: int | None = Field(None, ge=1, description="Versions kept; null: all.")
    allow_withdrawn: bool = Field(
        False,
        description="Whether a model that a rollback withdrew may be pushed again; false: it is refused.",
    )
