"""Identity of a training: the name of its checkpoints' folder, so that only the same training is resumed."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from petseg.saved_model import EXTRA_FOLDER, WEIGHTS_FILE
from petseg.shards import shard_files
from trainer.settings import TrainingSettings

BLOCK_BYTES = 1 << 20


def training_identity(
    settings: TrainingSettings,
    examples: Sequence[str],
    code: str,
    *,
    warm_start: str = "",
    base_model: str | None = None,
) -> str:
    """Returns a SHA-256 in hex of everything that the trained weights depend on.

    Files count by their content, never by their path: a training resumes after its output folder was moved,
    or after the nodes before it wrote the same examples again.

    Args:
        settings: A tuner's values included.
        examples: File patterns of the transformed examples, GZIP.
        code: Hash of the trainer's source.
        warm_start: Digest of the folder that `trainer.warm_start` names; empty: its files are read.
        base_model: SavedModel to start from, or None.
    """
    tree = settings.model_dump(mode="json")
    # Neither changes a weight.
    del tree["trainer"]["cache"], tree["trainer"]["preview_photos"]
    if isinstance(settings.trainer.warm_start, str):
        tree["trainer"]["warm_start"] = warm_start or _folder_content(settings.trainer.warm_start)
    tree["model"]["encoder_weights"] = _content(tree["model"].get("encoder_weights"))
    base_weights = base_model and _content(os.path.join(base_model, EXTRA_FOLDER, WEIGHTS_FILE))
    return _digest([tree, code, _examples_digest(examples), base_weights])


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _examples_digest(patterns: Sequence[str]) -> list[str]:
    """One digest a pattern, whatever order the examples and their features were written in."""
    return [_digest(sorted(_example_digests(pattern))) for pattern in patterns]


def _example_digests(pattern: str) -> Iterator[str]:
    files = shard_files([pattern])
    for record in tf.data.TFRecordDataset(files, compression_type="GZIP").as_numpy_iterator():
        example = tf.train.Example.FromString(record)
        yield hashlib.sha256(example.SerializeToString(deterministic=True)).hexdigest()


def _content(path: str | None) -> str | None:
    """Digest of a file, or the value itself where it names none, such as `imagenet`."""
    if path is None or not tf.io.gfile.exists(path):
        return path
    digest = hashlib.sha256()
    with tf.io.gfile.GFile(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _folder_content(folder: str) -> list[tuple[str, str | None]]:
    """Path below the folder and digest of all its files."""
    files = (os.path.join(parent, name) for parent, _, names in tf.io.gfile.walk(folder) for name in names)
    return sorted((os.path.relpath(file, folder), _content(file)) for file in files)
