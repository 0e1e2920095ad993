"""The record of an unfinished training: what it reads. Needs no TensorFlow."""

import json
import os

RECORD_FILE = "training.json"
"""What a training reads: `{"examples": [file patterns]}`, relative to its folder where both are local."""


def recorded_examples(record: str, folder: str) -> list[str]:
    """File patterns of the examples in a record; none where it is damaged.

    Args:
        record: Content of the file.
        folder: Folder of the training, which the file is in.
    """
    try:
        return [os.path.join(folder, pattern) for pattern in json.loads(record)["examples"]]
    except (ValueError, KeyError, TypeError):
        return []
