"""Settings of ML Metadata."""

import re

from pydantic import Field, field_validator

from petseg.settings import Settings


class MetadataSettings(Settings):
    """Where local runs keep what they made and read."""

    url_variable: str | None = Field(
        None,
        description="Environment variable with the URL of a database for ML Metadata: "
        "mysql://user:password@host/database (MariaDB too) or postgresql://...; null: metadata.db in the "
        "output.",
    )

    @field_validator("url_variable")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        # What was given may be the URL itself: never to be shown.
        if name is not None and not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ValueError(
                "must be the name of an environment variable that holds the URL, such as "
                "PETSEG_METADATA_URL; what was received is none, and is not shown here"
            )
        return name
