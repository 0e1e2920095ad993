"""The folders of a pipeline, and what is observed of the outside world when a run starts."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Paths:
    """The folders that create_pipeline needs; a runner chooses them.

    Attributes:
        pipeline_root: Folder of TFX's artifacts.
        push_directory: Folder of the pushed versions.
        work: Folder of what outlives a node. Not an artifact's: that is removed when its node fails.
    """

    pipeline_root: str
    push_directory: str
    work: str

    @property
    def checkpoints(self) -> str:
        """Folder of the unfinished trainings."""
        return os.path.join(self.work, "checkpoints")

    @property
    def known_counts(self) -> str:
        """Folder of the counts that the last evaluated models gave for each photo."""
        return os.path.join(self.work, "known_counts")


@dataclass(frozen=True)
class Observed:
    """What the process that starts a run sees. On clusters there is none, and the defaults hold.

    Attributes:
        run_id: Names the run and its folder.
        fingerprint: Fingerprint of the data's files, so that changed data is read again.
        production_version: Version in production, `none`, or `latest` to look it up when the node runs.
        encoder_weights: Path of the encoder's weights under a name that follows from their content; None: the
            path in the settings.
        warm_start_folder: The same of the folder that `trainer.warm_start` names.
        warm_start: Digest of that folder, if there is one.
        trainer_cache: What the nodes are given as `trainer.cache`; None: the value in the settings.
    """

    run_id: str = ""
    fingerprint: str = ""
    production_version: str = "latest"
    encoder_weights: str | None = None
    warm_start_folder: str | None = None
    warm_start: str = ""
    trainer_cache: str | None = None


def push_directory(output: str | os.PathLike[str]) -> str:
    """Folder of the pushed versions in an output folder, unless the settings name another."""
    return os.path.join(output, "serving_model")
