"""What `trainer.cache: auto` chooses, and why."""

import logging
import shutil
import tempfile

import tensorflow as tf

from trainer.data.free_memory import free_memory
from trainer.training.distribution import highest_of_all

logger = logging.getLogger("petseg.trainer")

CACHES = ("memory", "disk", "none")
"""From the fastest to the one that needs least."""

SHARE_OF_MEMORY = 0.5
"""Of the free memory, for the examples: the rest is for the network and what the other nodes left."""

SHARE_OF_DISK = 0.9
"""Of the free disk space: the rest is for checkpoints and the model."""


def choose_cache(needed: int, strategy: tf.distribute.Strategy, resumes_streamed: bool) -> str:
    """Chooses where decoded examples are kept, and logs the choice with its reason.

    The workers of a training choose alike: what the one with the least space chooses.

    Args:
        needed: Bytes of the decoded examples.
        strategy: The workers.
        resumes_streamed: Whether an unfinished training that streamed its examples resumes. With a cache it
            would have another order.

    Returns:
        `memory`, `disk` or `none`.
    """
    memory = free_memory()
    folder, disk = _free_disk()
    size = f"the decoded examples take {_size(needed)}"
    if resumes_streamed:
        choice, reason = "none", "the unfinished training that resumes streamed its examples"
    elif needed <= SHARE_OF_MEMORY * memory:
        choice, reason = "memory", f"{size}, and {_size(memory)} of memory are free"
    elif needed <= SHARE_OF_DISK * disk:
        choice = "disk"
        reason = f"{size}; {_size(memory)} of memory and {_size(disk)} in {folder} are free"
    else:
        choice = "none"
        reason = f"{size}; only {_size(memory)} of memory and {_size(disk)} in {folder} are free"
    agreed = CACHES[highest_of_all(strategy, CACHES.index(choice))]
    if agreed != choice:
        reason = f"another worker has less space; here {reason}"
    logger.info("trainer.cache: auto chose %s: %s", agreed, reason)
    return agreed


def _free_disk() -> tuple[str, int]:
    """Folder of temporary files and the bytes free there; 0 where none can be written."""
    try:
        folder = tempfile.gettempdir()
        return folder, shutil.disk_usage(folder).free
    except OSError:
        return "the folder for temporary files, which cannot be written", 0


def _size(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
