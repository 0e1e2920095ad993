"""What the steps on a cluster can reach: settings that cannot work there, found before compiling."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from petseg.errors import UserError
from petseg.files.object_store import is_url
from pipeline.beam_settings import LOCAL_ENGINES
from pipeline.settings import PipelineSettings


@dataclass(frozen=True)
class Reach:
    """What the steps on a cluster see.

    Attributes:
        folder: Folder that all steps see; None: there is none.
        folder_comes_from: How to get a file into it, for messages.
        engines: Beam engines that work from a step.
        why_no_others: Why the other engines do not.
    """

    folder: str | None
    folder_comes_from: str
    engines: tuple[str, ...]
    why_no_others: str

    def sees(self, path: str) -> bool:
        """Whether all steps see a file or folder: on a store, or in their common folder."""
        if is_url(path):
            return True
        return self.folder is not None and Path(os.path.normpath(path)).is_relative_to(self.folder)


def check_reach(settings: PipelineSettings, reach: Reach) -> None:
    """Checks the data engine, and the files that training begins with.

    Raises:
        UserError: The engine cannot work from a step, or a file is one of this machine.
    """
    engine = settings.beam.engine
    if engine not in reach.engines:
        raise UserError(
            f"beam.engine must be one of {', '.join(reach.engines)} on a cluster like this: "
            f"{reach.why_no_others}; received {engine}"
        )
    if engine not in LOCAL_ENGINES and not is_url(settings.data.path or ""):
        raise UserError(
            f"data.path must be gs://bucket/folder or s3://bucket/folder with beam.engine {engine}, whose "
            f"workers mount nothing; received {settings.data.path}"
        )
    for key, path in _files_to_begin_with(settings):
        if is_url(path) or not reach.sees(path):
            raise UserError(f"{key}: the steps cannot read {path}; {reach.folder_comes_from}")


def unseen_folders(settings: PipelineSettings, reach: Reach) -> Iterator[str]:
    """Yields a warning for each folder that is the steps' only if their image or the cluster brings it."""
    for key, path in (("data.path", settings.data.path), ("push.directory", settings.push.directory)):
        if path and not reach.sees(path):
            yield f"{key}: {path} is in no folder that all steps see; {reach.folder_comes_from}"


def _files_to_begin_with(settings: PipelineSettings) -> Iterator[tuple[str, str]]:
    weights, warm_start = settings.model.encoder_weights, settings.trainer.warm_start
    if weights and weights != "imagenet":
        yield "model.encoder_weights", weights
    if isinstance(warm_start, str):
        yield "trainer.warm_start", warm_start
