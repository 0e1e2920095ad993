"""What a killed training needs in order to go on: variables and history, written together."""

import json
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

_HISTORY_NAME = "history"


class Checkpoints:
    """One checkpoint in a folder, replaced atomically.

    TensorFlow writes a checkpoint under a new number, then replaces the small file `checkpoint` that names
    the valid one, then removes the older. A process killed in between leaves the older valid.

    Args:
        directory: Made when missing.
        **variables: Groups of variables, each under a name of its own.
    """

    def __init__(self, directory: str, **variables: Sequence[tf.Variable]):
        self._history = tf.Variable("[]", dtype=tf.string, trainable=False, name=_HISTORY_NAME)
        self._checkpoint = tf.train.Checkpoint(
            history=self._history, **{name: list(group) for name, group in variables.items()}
        )
        self._manager = tf.train.CheckpointManager(self._checkpoint, directory, max_to_keep=1)

    def save(self, history: list[dict[str, Any]]) -> None:
        """Writes all variables and the history (one entry an epoch, in JSON's types)."""
        self._history.assign(json.dumps(history))
        self._manager.save(checkpoint_number=len(history))

    def restore(self) -> list[dict[str, Any]]:
        """Puts the variables back where there is a checkpoint; gives its history, else an empty one."""
        if self._manager.latest_checkpoint:
            self._checkpoint.restore(self._manager.latest_checkpoint).assert_consumed()
        history: list[dict[str, Any]] = json.loads(self._history.numpy())
        return history
