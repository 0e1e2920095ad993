"""Settings of scheduled runs on this machine."""

import re

from pydantic import Field, field_validator

from petseg.settings import Settings


class ScheduleSettings(Settings):
    """Scheduled runs: how late they may start, and who is notified of a failure."""

    grace_hours: float = Field(
        12.0,
        gt=0,
        description="How many hours late a run may start. Of several missed runs, only the latest starts.",
    )
    on_failure_command: str | None = Field(
        None, description="Command that gets a JSON object on stdin when a run fails or its model is refused."
    )
    on_failure_webhook: str | None = Field(
        None,
        description="Environment variable with a URL to which the same JSON is posted. Settings are "
        "written into "
        "reports, and the URL itself may be a secret.",
    )

    @field_validator("on_failure_webhook")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            # The message does not repeat the value, which may be the secret.
            raise ValueError("must be the name of an environment variable; received something else")
        return name
