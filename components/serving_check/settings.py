"""Settings of the serving check."""

from pydantic import Field

from petseg.settings import Settings


class ServingCheckSettings(Settings):
    """What an exported model may cost the one who serves it."""

    max_load_seconds: float = Field(30, gt=0, description="Seconds to load the model.")
    max_p99_seconds: float = Field(2, gt=0, description="99th percentile of seconds for one photo.")
    max_memory_mb: float = Field(2048, gt=0, description="Peak memory of the serving process in MB.")
    requests: int = Field(20, ge=2, le=1000, description="Photos asked for the latency figures.")
    timeout_seconds: float = Field(300, gt=0, description="Seconds after which the check gives up.")
