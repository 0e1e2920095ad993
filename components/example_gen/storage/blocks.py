"""Blocks of pairs in files of the scratch folder, which this process and Beam's workers share.

Beam carries only where a block is, so that neither its job description nor its memory grows with the pairs.
"""

import os
import pickle
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf


@dataclass(frozen=True)
class Block:
    """A pickled list in a file.

    Attributes:
        file: Path that TensorFlow can read.
        start: Index of its first byte.
        size: Number of its bytes.
    """

    file: str
    start: int
    size: int

    def load(self) -> list[Any]:
        """Reads the list."""
        with tf.io.gfile.GFile(self.file, "rb") as file:
            file.seek(self.start)
            return pickle.loads(file.read(self.size))


def write_blocks(file: str, blocks: Iterable[bytes]) -> list[Block]:
    """Writes pickled lists into one file, one after another."""
    tf.io.gfile.makedirs(os.path.dirname(file))
    written: list[Block] = []
    with tf.io.gfile.GFile(file, "wb") as content:
        start = 0
        for block in blocks:
            content.write(block)
            written.append(Block(file, start, len(block)))
            start += len(block)
    return written


def write_list(file: str, items: list[Any]) -> None:
    """Writes a pickled list, whole or not at all, also if several workers write the same at once."""
    unfinished = f"{file}.{uuid.uuid4().hex}"
    with tf.io.gfile.GFile(unfinished, "wb") as content:
        content.write(pickle.dumps(items, pickle.HIGHEST_PROTOCOL))
    tf.io.gfile.rename(unfinished, file, overwrite=True)


def read_list(file: str) -> list[Any]:
    """Reads what `write_list` wrote."""
    with tf.io.gfile.GFile(file, "rb") as content:
        return pickle.loads(content.read())
