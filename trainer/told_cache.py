"""Where a local run keeps examples: told by the environment instead of by a property of the nodes.

A node's properties are part of its cache key, and whether examples are in memory or on disk decides no
weight.
"""

import os

from trainer.settings import TrainerSettings, TrainingSettings

VARIABLE = "PETSEG_TRAINER_CACHE"
"""Environment variable: `memory` or `disk`."""


def tell_cache(settings: TrainerSettings) -> TrainerSettings:
    """Tells the processes of this run where to keep examples; returns the settings that nodes are given.

    With `none` the order of the examples is another one, so that stays in the settings.
    """
    os.environ.pop(VARIABLE, None)
    if settings.cache not in ("memory", "disk"):
        return settings
    os.environ[VARIABLE] = settings.cache
    return settings.model_copy(update={"cache": "auto"})


def with_told_cache(settings: TrainingSettings) -> TrainingSettings:
    """The settings of a node, with the cache that the run told."""
    told = os.environ.get(VARIABLE)
    if not told or settings.trainer.cache != "auto":
        return settings
    return settings.with_values({"trainer.cache": told})
