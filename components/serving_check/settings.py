"""Settings of the serving check."""

from pydantic import Field

from petseg.settings import Settings


class ServingCheckSettings(Settings):
    """Limits on the cost of serving an exported model."""

    max_load_seconds: float = Field(30, gt=0, description="Longest time to load the model, in seconds.")
    max_p99_seconds: float = Field(
        2,
        gt=0,
        description="Highest 99th percentile of the latency per photo, in seconds; of the median where fewer "
        "than 100 requests are measured.",
    )
    max_memory_mb: float = Field(2048, gt=0, description="Highest peak memory of the serving process, in MB.")
    max_response_mb: float = Field(
        1.5,
        gt=0,
        description="Largest response to one photo over REST, in MB (10^6 bytes) of JSON. Vertex's shared "
        "endpoints answer with at most 1.5 MB.",
    )
    requests: int = Field(
        200,
        ge=2,
        le=1000,
        description="Number of requests that measure the latency; fewer where they take more than 60 s.",
    )
    timeout_seconds: float = Field(420, gt=0, description="Time limit of the whole check, in seconds.")
