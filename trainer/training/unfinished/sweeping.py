"""Unfinished trainings: each has a folder of checkpoints, which is kept until it is resumed or orphaned.

A training that succeeds deletes its folder. A killed one is resumed by the next run of the same identity.
With other settings, code or data no run resumes it, and its weights, optimizer and averages fill the disk.
"""

import json
import logging
import os
import time
from collections.abc import Sequence

import tensorflow as tf

from petseg.files.atomic import write_atomic
from petseg.files.originals import is_copy
from trainer.training.unfinished.record import RECORD_FILE, recorded_examples

logger = logging.getLogger("petseg.trainer")

DAYS_KEPT = 30


def register(folder: str, examples: Sequence[str]) -> None:
    """Notes the examples that a training reads in its folder.

    Args:
        folder: Folder of the training's checkpoints; made when missing.
        examples: File patterns of the examples.
    """
    # That a copy is gone says nothing of its original: it is in one pod of a cluster only.
    record = {"examples": [_relative(pattern, folder) for pattern in examples if not is_copy(pattern)]}
    write_atomic(os.path.join(folder, RECORD_FILE), json.dumps(record))


def sweep(checkpoints: str, resumed: str = "") -> None:
    """Deletes orphaned trainings and logs one line about the others.

    Orphaned are those whose examples are gone, and those that had no checkpoint for 30 days.

    Args:
        checkpoints: Folder of all unfinished trainings; it may be missing.
        resumed: Folder of the training that begins now, which is left alone.
    """
    if not tf.io.gfile.isdir(checkpoints):
        return
    kept = []
    for name in sorted(tf.io.gfile.listdir(checkpoints)):
        folder = os.path.join(checkpoints, name.rstrip("/"))
        if folder == resumed or not tf.io.gfile.isdir(folder):
            continue
        days = (time.time() - _last_write(folder)) / 86400
        reason = _why_orphaned(folder, days)
        if reason:
            tf.io.gfile.rmtree(folder)
            logger.info("deleted the unfinished training %s: %s", folder, reason)
        elif weights := _folder_of_weights(folder):
            kept.append(f"{weights} ({_age(days)} old)")
    if kept:
        logger.info(
            "unfinished trainings of other settings, code or data: %s. Only a run with the same ones "
            "resumes it; trainer.warm_start=FOLDER starts from its weights. Deleted after %d days",
            ", ".join(kept),
            DAYS_KEPT,
        )


def _why_orphaned(folder: str, days: float) -> str:
    if days > DAYS_KEPT:
        return f"it is {_age(days)} old"
    patterns = _examples(folder)
    if patterns and not any(tf.io.gfile.glob(pattern) for pattern in patterns):
        return "the examples that it was trained on are gone"
    return ""


def _examples(folder: str) -> list[str]:
    """File patterns of its examples; none where an earlier release trained, or the record is damaged."""
    record = os.path.join(folder, RECORD_FILE)
    if not tf.io.gfile.exists(record):
        return []
    with tf.io.gfile.GFile(record) as file:
        return recorded_examples(file.read(), folder)


def _relative(pattern: str, folder: str) -> str:
    # So that examples in the same output folder are found after it was moved.
    both_local = os.path.isabs(pattern) and os.path.isabs(folder)
    return os.path.relpath(pattern, folder) if both_local else pattern


def _last_write(folder: str) -> float:
    """Unix time of its newest file."""
    times = [
        tf.io.gfile.stat(os.path.join(parent, file)).mtime_nsec / 1e9
        for parent, _, files in tf.io.gfile.walk(folder)
        for file in files
    ]
    return max(times, default=0.0)


def _folder_of_weights(folder: str) -> str:
    """Folder for `trainer.warm_start`; empty where there is no checkpoint yet."""
    return next((parent for parent, _, files in tf.io.gfile.walk(folder) if "checkpoint" in files), "")


def _age(days: float) -> str:
    for count, unit in ((days, "day"), (days * 24, "hour"), (days * 24 * 60, "minute")):
        if count >= 1:
            return f"{int(count)} {unit}{'s' * (int(count) > 1)}"
    return "a minute"
