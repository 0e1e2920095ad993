"""Where a pushed model comes from: a file of its version, outside the model's digest."""

import json

from pydantic import Field

from petseg.settings import Settings

ORIGIN_FILE = "origin.json"


class Origin(Settings):
    """The run that pushed a model."""

    run_id: str = Field("", description="The run; empty on clusters that give runs no name.")
    output: str = Field("", description="Folder of its results: DIR, or the pipeline root on a cluster.")
    examples: str = Field("", description="URI of the raw examples that the model was evaluated on.")

    def to_json(self) -> str:
        """Content of the file."""
        return json.dumps(self.model_dump(), indent=1)
