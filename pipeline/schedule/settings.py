"""Settings of scheduled runs on this machine."""

import re

from pydantic import Field, field_validator

from petseg.settings import Settings


class ScheduleSettings(Settings):
    """How a scheduled run makes up for lost time and who hears of its failure."""

    grace_hours: float = Field(
        12.0,
        gt=0,
        description="How late a run may begin; of several that were missed one is made up for.",
    )
    on_failure_command: str | None = Field(
        None, description="Command that gets a JSON object on stdin when a run fails or its model is refused."
    )
    on_failure_webhook: str | None = Field(
        None,
        description="Name of the environment variable with the URL that the same JSON is posted to; the URL "
        "itself may be a secret, and settings are written into reports.",
    )

    @field_validator("on_failure_webhook")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            # Not repeated in the message: it may be the secret.
            raise ValueError("must be the name of an environment variable; received something else")
        return name
