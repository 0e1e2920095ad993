"""Features of the frozen part of a network, computed once per photo and kept on disk.

Except for mirroring, every random change of a photo gives new features in every epoch. So this is for
trainings whose only augmentation is flips.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from petseg.errors import UserError
from trainer.data.augmentation.settings import AugmentationSettings
from trainer.data.augmentation.warp import mirrored
from trainer.data.examples import Examples, batches_to_evaluate_on, training_batches
from trainer.data.input import (
    EpochBatches,
    EvaluationBatches,
    TrainingBatches,
    evaluation_indices,
    gather,
    prefetched,
)
from trainer.data.pairs import Pairs
from trainer.data.photos import Photos
from trainer.data.replicas import ONE_DEVICE, ignored_unless
from trainer.data.streaming import StreamedPairs
from trainer.models.frozen_part import cut_frozen_part
from trainer.settings import TrainingSettings
from trainer.training.callbacks import logger


class FeatureCache:
    """The features of the photos of a split, optionally also of their mirror images, in unnamed files.

    The files disappear with the process however it ends, and a resumed training computes them again. Rows are
    read one by one instead of mapped, so they take no memory.

    Args:
        frozen: From photos, float32 [n, H, W, 3], to features; see `cut_frozen_part`.
        pairs: The split.
        mirror: Whether mirror images are needed too.
    """

    def __init__(self, frozen: keras.Model, pairs: Pairs, mirror: bool):
        self._frozen = frozen
        self._pairs = pairs
        self._versions = 2 if mirror else 1
        self._shapes = [tuple(feature.shape[1:]) for feature in frozen.outputs]
        self._dtypes = [tf.as_dtype(feature.dtype) for feature in frozen.outputs]
        self._row_bytes = [
            int(np.prod(shape)) * dtype.size for shape, dtype in zip(self._shapes, self._dtypes, strict=True)
        ]
        self._files = [tempfile.TemporaryFile(prefix="petseg-features-") for _ in self._shapes]  # noqa: SIM115

    @property
    def size(self) -> int:
        """Bytes on disk once filled."""
        return len(self._pairs.kept) * self._versions * sum(self._row_bytes)

    def fill(self, batch_size: int) -> None:
        """Computes the features of all photos, `batch_size` at a time, in inference mode."""

        # A Keras model with a list of one output returns it without the list.
        def features_of(photos: tf.Tensor) -> list[tf.Tensor]:
            return keras.tree.flatten(self._frozen(photos, training=False))

        compute = tf.function(features_of, reduce_retracing=True)
        for start in range(0, len(self._pairs.kept), batch_size):
            indices = self._pairs.kept[start : start + batch_size]
            photos = np.stack([self._pairs.images[index] for index in indices])
            versions = [photos, photos[:, :, ::-1]][: self._versions]
            computed = [compute(tf.constant(version, tf.float32)) for version in versions]
            for file, size, *of_versions in zip(self._files, self._row_bytes, *computed, strict=True):
                rows = np.stack([feature.numpy() for feature in of_versions], axis=1)
                for index, row in zip(indices, rows, strict=True):
                    # Those of other workers are holes, which take no space.
                    file.seek(index * self._versions * size)
                    file.write(row.tobytes())
        for file in self._files:
            file.flush()

    def gather(self, indices: tf.Tensor, mirror: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """The features of photos.

        Args:
            indices: int64 [n], indices in the split.
            mirror: bool [n], True for the features of the mirror image.

        Returns:
            One tensor [n, ...] per feature.
        """

        def read(indices: np.ndarray, mirror: np.ndarray) -> list[np.ndarray]:
            rows = indices * self._versions + mirror
            return [
                np.stack(
                    [
                        np.frombuffer(
                            os.pread(file.fileno(), size, row * size), dtype.as_numpy_dtype
                        ).reshape(shape)
                        for row in rows
                    ]
                )
                for file, size, dtype, shape in zip(
                    self._files, self._row_bytes, self._dtypes, self._shapes, strict=True
                )
            ]

        features = tf.numpy_function(read, [indices, mirror], self._dtypes, stateful=False)
        for feature, shape in zip(features, self._shapes, strict=True):
            feature.set_shape((indices.shape[0], *shape))
        return tuple(features)


class FeatureBatches(TrainingBatches):
    """Training examples with features instead of photos. Order and flips are those of the photos.

    Args:
        features: Features of these examples.
        pairs: See `TrainingBatches`, also for the other arguments.
    """

    def __init__(
        self,
        features: FeatureCache,
        pairs: Pairs,
        batch_size: int,
        augmentation: AugmentationSettings,
        seed: int,
        replicas: int = 1,
    ):
        super().__init__(pairs, batch_size, augmentation, seed, replicas)
        self._features = features

    def _make(self, indices: tf.Tensor, draws: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
        mirror = mirrored(draws, self._augmentation)
        _, masks = gather(self._examples, indices)
        masks = tf.where(mirror[:, tf.newaxis, tf.newaxis], masks[:, :, ::-1], masks)
        return self._features.gather(indices, mirror), masks


def feature_evaluation_batches(
    features: FeatureCache,
    pairs: Pairs,
    batch_size: int,
    context: tf.distribute.InputContext = ONE_DEVICE,
) -> tf.data.Dataset:
    """All examples once, unchanged and in order, as (features, masks); see `evaluation_batches`."""

    def make(indices: tf.Tensor, counted: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
        masks = ignored_unless(counted, gather(pairs, indices)[1])
        return features.gather(indices, tf.zeros_like(indices, tf.bool)), masks

    rows = evaluation_indices(len(pairs), batch_size, context)
    return prefetched(rows, make)


def fill_caches(caches: Sequence[FeatureCache], batch_size: int) -> None:
    """Computes all features, and logs before how much disk space they take.

    Raises:
        UserError: The disk does not have enough free space.
    """
    needed, folder = sum(cache.size for cache in caches), tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise UserError(
            f"trainer.cache_features: the features of the frozen encoder take {needed / 1e9:.1f} GB in "
            f"{folder}, which has {free / 1e9:.1f} GB free; set TMPDIR to a folder on a larger disk, or set "
            "trainer.cache_features to false"
        )
    logger.info("computing the features of the frozen encoder once: %.2f GB in %s", needed / 1e9, folder)
    started = time.monotonic()
    for cache in caches:
        cache.fill(batch_size)
    logger.info("computed the features of the frozen encoder in %.0f s", time.monotonic() - started)


def training_inputs(
    model: keras.Model,
    settings: TrainingSettings,
    train_pairs: Examples,
    eval_pairs: Examples,
    replicas: int = 1,
    whole_network: bool = False,
) -> tuple[EpochBatches, EvaluationBatches, keras.Model | None]:
    """The batches of a training: of photos, or of features of a frozen encoder if these can be kept.

    Args:
        model: The network, with the initial weights of the training.
        settings: Settings of the network and of the training.
        train_pairs: Training examples.
        eval_pairs: Examples to evaluate on.
        replicas: Devices that share a batch.
        whole_network: Whether a loss needs more than the logits, so that the network must not be split.

    Returns:
        Training batches, evaluation batches, and the part of the model that takes them; None: all of it.

    Raises:
        UserError: The disk does not have enough free space for the features.
    """
    trainer = settings.trainer
    photos = training_batches(train_pairs, trainer, replicas, settings.model.input_size)
    whole = photos, batches_to_evaluate_on(eval_pairs, trainer.batch_size), None
    caches = settings.model.freeze_encoder and trainer.cache_features and not whole_network
    parts = cut_frozen_part(model) if caches else None
    if parts is None:
        return whole
    if isinstance(train_pairs, StreamedPairs) or isinstance(eval_pairs, StreamedPairs):
        logger.info("computing the frozen encoder in every epoch: trainer.cache none keeps nothing")
        return whole
    if isinstance(train_pairs, Photos):
        logger.info(
            "computing the frozen encoder in every epoch: crops (transform.fit tile) are never the same"
        )
        return whole
    if not trainer.augmentation.mirrors_only:
        logger.info(
            "computing the frozen encoder in every epoch; with flips as the only augmentation "
            "(trainer.augmentation.preset: flips) it would be computed once"
        )
        return whole
    frozen, trained_part = parts
    features = FeatureCache(frozen, train_pairs, mirror=trainer.augmentation.flip)
    eval_features = FeatureCache(frozen, eval_pairs, mirror=False)
    fill_caches([features, eval_features], trainer.batch_size)
    evaluation = partial(feature_evaluation_batches, eval_features, eval_pairs, trainer.batch_size)
    batching = trainer.batch_size, trainer.augmentation, trainer.seed, replicas
    return FeatureBatches(features, train_pairs, *batching), evaluation, trained_part
