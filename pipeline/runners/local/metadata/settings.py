"""Settings of ML Metadata."""

import re

from pydantic import Field, field_validator

from petseg.settings import Settings


class MetadataSettings(Settings):
    """Where local runs record their executions and artifacts."""

    url_variable: str | None = Field(
        None,
        description="Environment variable with the URL of a database server for ML Metadata: "
        "mysql://user:password@host/database (also for MariaDB) or postgresql://...; null: metadata.db in "
        "the output folder.",
    )

    @field_validator("url_variable")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        # The value may be the URL itself, which must not be shown.
        if name is not None and not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise ValueError(
                "must be the name of an environment variable that holds the URL, such as "
                "PETSEG_METADATA_URL; the received value is not a name, and is not shown here"
            )
        return name
