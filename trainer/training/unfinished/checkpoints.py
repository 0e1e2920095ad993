"""Checkpoints: the variables and the history that a killed training needs to resume."""

import json
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

_HISTORY_NAME = "history"


class Checkpoints:
    """One checkpoint in a folder, replaced atomically.

    TensorFlow writes a checkpoint under a new number, replaces the small file `checkpoint` that names the
    valid one, and removes the older one. If it is killed in between, the older one stays valid.

    Args:
        directory: Created if it is missing.
        **variables: Groups of variables by name.
    """

    def __init__(self, directory: str, **variables: Sequence[tf.Variable]):
        self._history = tf.Variable("[]", dtype=tf.string, trainable=False, name=_HISTORY_NAME)
        self._checkpoint = tf.train.Checkpoint(
            history=self._history, **{name: list(group) for name, group in variables.items()}
        )
        self._manager = tf.train.CheckpointManager(self._checkpoint, directory, max_to_keep=1)

    def save(self, history: list[dict[str, Any]]) -> None:
        """Writes all variables and the history: one entry an epoch, of JSON types."""
        self._history.assign(json.dumps(history))
        self._manager.save(checkpoint_number=len(history))

    def restore(self) -> list[dict[str, Any]]:
        """Restores the variables and returns the history; without a checkpoint an empty one."""
        if self._manager.latest_checkpoint:
            self._checkpoint.restore(self._manager.latest_checkpoint).assert_consumed()
        history: list[dict[str, Any]] = json.loads(self._history.numpy())
        return history
