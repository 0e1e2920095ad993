"""The examples of a training: kept in memory, kept on disk or streamed, whichever `trainer.cache` says."""

import dataclasses
import math
import os
from collections.abc import Sequence
from functools import partial

import tensorflow as tf

from petseg.errors import UserError
from trainer.data.cache_choice import choose_cache
from trainer.data.crops import CROPS_A_PHOTO, CropBatches, window_batches
from trainer.data.geometry import Size, Tiles, photo_geometry, stored_geometry
from trainer.data.input import EpochBatches, EvaluationBatches, TrainingBatches, evaluation_batches
from trainer.data.lanes import evaluation_share, training_share
from trainer.data.pairs import Pairs, ShareOf, load_pairs
from trainer.data.photos import Photos, load_photos, photo_sizes
from trainer.data.preprocessing import PairKind
from trainer.data.records import find_records
from trainer.data.streaming import STREAMED, StreamedBatches, StreamedPairs, streamed_evaluation_batches
from trainer.settings import TrainerSettings, TrainingSettings
from trainer.training.distribution import for_replicas, input_context

Examples = Pairs | StreamedPairs

BYTES_PER_PIXEL = 4
"""Of a decoded example: three colors and a class id."""


@dataclasses.dataclass(frozen=True)
class _Split:
    patterns: Sequence[str]
    size: Size
    kind: PairKind
    share_of: ShareOf | None = None

    def kept(self, count: int) -> int:
        """How many of `count` examples this worker keeps."""
        share = self.share_of(count) if self.share_of else None
        return len(share.indices(count)) if share else count


def load_examples(
    train: Sequence[str],
    evaluation: Sequence[str],
    settings: TrainingSettings,
    strategy: tf.distribute.Strategy,
    checkpoints: str = "",
    *,
    keep_all: bool = False,
) -> tuple[Examples, Examples]:
    """The training examples, in the size that `transform.training_scale` stores, and those to evaluate on.

    With a cache, each of several workers keeps the examples that its replicas need, where the batches allow
    to split them, see `trainer.data.lanes`.

    Args:
        train: File patterns of the transformed examples to train on.
        evaluation: File patterns of those to evaluate on.
        settings: Says in which size they are stored, and where to keep them.
        strategy: Its workers choose alike.
        checkpoints: Folder of this training, which may be an unfinished one.
        keep_all: Whether each worker keeps all examples: for trainings with batches of several sizes.

    Raises:
        UserError: A split has no examples, or the disk is full or cannot be written.
    """
    geometry = photo_geometry(settings.transform, settings.model.input_size)
    context = input_context(strategy)
    splits = _training_split(train, settings), _evaluation_split(evaluation, settings)
    if context.num_input_pipelines > 1 and not keep_all:
        splits = _shared(splits, settings, context)
    if isinstance(geometry, Tiles):
        return _load_photos(splits, geometry, settings, strategy)
    cache: str = settings.trainer.cache
    if cache in ("memory", "disk"):
        return _loaded(splits[0], cache), _loaded(splits[1], cache)
    records = [find_records(split.patterns) for split in splits]
    if cache == "auto":
        pixels = sum(
            split.kept(len(of)) * math.prod(split.size) for of, split in zip(records, splits, strict=True)
        )
        streamed = bool(tf.io.gfile.glob(os.path.join(checkpoints, "*", f"{STREAMED}*", "checkpoint")))
        cache = choose_cache(pixels * BYTES_PER_PIXEL, strategy, resumes_streamed=streamed)
    if cache != "none":
        return _loaded(splits[0], cache), _loaded(splits[1], cache)
    train_pairs, eval_pairs = (
        StreamedPairs(of, split.size, split.kind) for of, split in zip(records, splits, strict=True)
    )
    return train_pairs, eval_pairs


def training_batches(
    examples: Examples, settings: TrainerSettings, replicas: int, size: Size
) -> EpochBatches:
    """The batches to train on.

    Args:
        examples: The training split.
        settings: Batch size, augmentation and seed.
        replicas: Devices that share a batch.
        size: H and W, height and width of the batches in pixels.
    """
    arguments = settings.batch_size, settings.augmentation, settings.seed, replicas, size
    if isinstance(examples, Photos):
        return CropBatches(examples, *arguments[:-1])
    if isinstance(examples, Pairs):
        return TrainingBatches(examples, *arguments)
    return StreamedBatches(examples, *arguments)


def batches_to_evaluate_on(examples: Examples, batch_size: int) -> EvaluationBatches:
    """Makes the batches to evaluate on."""
    if isinstance(examples, Photos):
        return partial(window_batches, examples, batch_size)
    if isinstance(examples, Pairs):
        return partial(evaluation_batches, examples, batch_size)
    return partial(streamed_evaluation_batches, examples, batch_size)


def _load_photos(
    splits: Sequence[_Split],
    tiles: Tiles,
    settings: TrainingSettings,
    strategy: tf.distribute.Strategy,
) -> tuple[Photos, Photos]:
    """Training photos and those to evaluate on, whole."""
    trainer, names = settings.trainer, settings.classes.names
    weights = {} if trainer.crop_class_weights == "off" else trainer.crop_class_weights
    by_id = {names.index(name): weight for name, weight in weights.items()}
    cache: str = trainer.cache
    if cache == "auto":
        needed = 0
        for split in splits:
            sizes = photo_sizes(split.patterns).values()
            pixels = sum(map(math.prod, sizes))
            needed += BYTES_PER_PIXEL * pixels * split.kept(len(sizes)) // max(1, len(sizes))
        cache = choose_cache(needed, strategy, resumes_streamed=False)
    if cache == "none":
        raise UserError(
            "trainer.cache: the decoded photos fit neither into memory nor on the disk, where crops "
            "(transform.fit: tile) are taken from; set TMPDIR to a folder on a larger disk, or lower "
            "transform.scale"
        )
    train, evaluation = (
        load_photos(split.patterns, cache, tiles.windows, by_id, split.share_of) for split in splits
    )
    return train, evaluation


def _shared(
    splits: Sequence[_Split], settings: TrainingSettings, context: tf.distribute.InputContext
) -> tuple[_Split, _Split]:
    """The splits with the share of this worker."""
    batch_size = for_replicas(settings.trainer, context.num_replicas_in_sync).batch_size
    times = CROPS_A_PHOTO if settings.transform.fit == "tile" else 1
    trains = dataclasses.replace(
        splits[0], share_of=partial(training_share, context, batch_size, times=times)
    )
    return trains, dataclasses.replace(splits[1], share_of=lambda count: evaluation_share(context))


def _training_split(patterns: Sequence[str], settings: TrainingSettings) -> _Split:
    stored = stored_geometry(settings.transform, settings.model.input_size)
    kind: PairKind = "to crop from" if settings.transform.training_scale > 1 else "at model resolution"
    return _Split(patterns, stored.size, kind)


def _evaluation_split(patterns: Sequence[str], settings: TrainingSettings) -> _Split:
    return _Split(patterns, settings.model.input_size, "at model resolution")


def _loaded(split: _Split, cache: str) -> Pairs:
    return load_pairs(split.patterns, split.size, cache, split.kind, split.share_of)
