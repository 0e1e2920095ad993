"""The trainer's input with `transform.fit: tile`: random crops to train on, windows to evaluate on.

The photos, crops and changes of epoch e follow from (seed, e) alone. A run that resumes at epoch e sees what
a run without a break sees.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from petseg.class_table import CLASS_ID_IGNORED
from trainer.data.augmentation import augment, draw_groups
from trainer.data.augmentation.settings import AugmentationSettings
from trainer.data.geometry import Size
from trainer.data.geometry.patches import cut_patch
from trainer.data.input import EpochBatches, prefetched
from trainer.data.lanes import count_lanes, lane_order, rows_of_an_epoch
from trainer.data.photos import Photos
from trainer.data.replicas import ONE_DEVICE, ignored_unless, sharded

CROPS_A_PHOTO = 4
"""Crops of each photo in an epoch."""

WINDOWS_A_PHOTO = 16
"""Windows of each photo, at most, on which an epoch is evaluated. nnU-Net (Isensee et al. 2021) evaluates its
epochs on a sample of patches, too: all windows of large photos would take longer than the epoch."""

CROP_DRAWS = 2
"""Uniform random numbers a crop, besides those of the augmentation: class, pixel of the class."""

ANYWHERE = 1.0
"""Weight of crops that are taken anywhere, beside those of `trainer.crop_class_weights`."""


class CropBatches(EpochBatches[Photos]):
    """Random crops of the training photos.

    Args:
        photos: The training split.
        batch_size: Crops per step, of all replicas together. Fewer crops make one batch.
        augmentation: Random changes. `crop_scale` and `zoom_out` are shares of the input's sides, not of the
            photo's.
        seed: See `EpochBatches`, also for the other one.
    """

    times = CROPS_A_PHOTO

    def __init__(
        self,
        photos: Photos,
        batch_size: int,
        augmentation: AugmentationSettings,
        seed: int,
        replicas: int = 1,
    ):
        self._window = photos.windows.size
        super().__init__(photos, batch_size, augmentation, seed, replicas, self._window)
        self._lanes = count_lanes(self._batch_size, len(photos), CROPS_A_PHOTO)
        self._patch_size = patch_size(self._window, augmentation)

    @property
    def steps(self) -> int:
        """See `EpochBatches`."""
        rows = rows_of_an_epoch(len(self._examples), self._lanes, self._batch_size, CROPS_A_PHOTO)
        return rows // self._batch_size

    def epoch(self, number: int, context: tf.distribute.InputContext = ONE_DEVICE) -> tf.data.Dataset:
        """See `EpochBatches`."""
        random = np.random.default_rng((self._seed, number))
        count = self.steps * self._batch_size
        indices = lane_order(random, len(self._examples), self._lanes, count, CROPS_A_PHOTO)
        groups = (*draw_groups(), CROP_DRAWS)
        draws = np.concatenate([random.random((count, group), np.float32) for group in groups], axis=1)
        return prefetched(sharded((indices, draws), self._batch_size, context), self._make)

    def _make(self, indices: tf.Tensor, draws: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, masks = tf.numpy_function(self._cut, [indices, draws], [tf.uint8, tf.uint8], stateful=False)
        images.set_shape((indices.shape[0], *self._patch_size, 3))
        masks.set_shape((indices.shape[0], *self._patch_size))
        # The patch lies around the crop's center: these two move a crop within an image.
        centered = tf.fill([tf.shape(draws)[0], 2], 0.5)
        draws = tf.concat([draws[:, :2], centered, draws[:, 4:-CROP_DRAWS]], axis=1)
        return augment(images, masks, draws, self._augmentation, self._window, unit=self._window)

    def _cut(self, indices: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Patches around the centers of crops, uint8 [n, h, w, 3] and [n, h, w]."""
        smallest, largest = self._augmentation.crop_scale, self._augmentation.zoom_out
        patches = []
        for index, numbers in zip(indices, draws, strict=True):
            image, mask = self._examples.images[index], self._examples.masks[index]
            scale = smallest + (largest - smallest) * numbers[1]
            sides = scale * self._window[0], scale * self._window[1]
            center = crop_center(
                mask, sides, (numbers[3], numbers[2]), self._examples.class_weights, numbers[-CROP_DRAWS:]
            )
            first = [round(at - side / 2) for at, side in zip(center, self._patch_size, strict=True)]
            patches.append(cut_patch(image, mask, first, self._patch_size))
        images, masks = zip(*patches, strict=True)
        return np.stack(images), np.stack(masks)


def patch_size(size: Size, augmentation: AugmentationSettings) -> Size:
    """Height and width in pixels of the part of a photo that the largest and most rotated crop can show."""
    if augmentation.mirrors_only or not (augmentation.zoom_out > 1 or augmentation.rotation):
        return size
    sine = math.sin(math.radians(augmentation.rotation))
    height, width = size
    # One more pixel on each side, between which the edges are interpolated.
    return (
        math.ceil(augmentation.zoom_out * (height + width * sine)) + 2,
        math.ceil(augmentation.zoom_out * (width + height * sine)) + 2,
    )


def crop_center(
    mask: np.ndarray,
    sides: Sequence[float],
    position: Sequence[float],
    class_weights: Mapping[int, float],
    draws: Sequence[float],
) -> list[float]:
    """Where a crop of a photo is taken: anywhere, or around a random pixel of a class.

    nnU-Net (Isensee et al. 2021) takes a third of its patches around a class of the foreground, so that rare
    classes are learned from at all. Here a crop anywhere has the weight 1, and one around each class that the
    photo has the weight of the class.

    Args:
        mask: uint8 [h, w], class ids.
        sides: Height and width of the crop in pixels.
        position: Two numbers in [0, 1): from top to bottom, from left to right.
        class_weights: Weight by class id.
        draws: Two uniform random numbers in [0, 1), for the class and its pixel.

    Returns:
        Row and column of the center, in pixels from the top left corner. The crop lies in the photo if it is
        not larger, else the photo in the crop.
    """
    pixel = _pixel_of_class(mask, class_weights, draws) if class_weights else None
    center = []
    for axis, (side, at) in enumerate(zip(sides, position, strict=True)):
        room = mask.shape[axis] - side
        if pixel is None:
            center.append(side / 2 + at * room)
        else:
            wanted = pixel[axis] + 0.5 + (0.5 - at) * side
            center.append(side / 2 + min(max(wanted - side / 2, min(0, room)), max(0, room)))
    return center


def _pixel_of_class(
    mask: np.ndarray, class_weights: Mapping[int, float], draws: Sequence[float]
) -> tuple[int, int] | None:
    """Row and column of a pixel of a drawn class; None: a crop anywhere."""
    present = np.bincount(mask.ravel(), minlength=CLASS_ID_IGNORED + 1)
    weights = {class_id: weight for class_id, weight in class_weights.items() if present[class_id]}
    left = draws[0] * (ANYWHERE + sum(weights.values()))
    for class_id, weight in weights.items():
        if left < weight:
            nth = int(draws[1] * present[class_id])
            row, column = divmod(int(np.flatnonzero(mask == class_id)[nth]), mask.shape[1])
            return row, column
        left -= weight
    return None


def window_batches(
    photos: Photos,
    batch_size: int,
    context: tf.distribute.InputContext = ONE_DEVICE,
    most: int = WINDOWS_A_PHOTO,
) -> tf.data.Dataset:
    """Windows of all photos, unchanged, whose labels count in the inner part only.

    Windows of a photo go to one replica, so that a worker needs only the photos of `evaluation_share`.

    Args:
        photos: The split.
        batch_size: Windows per step, of all replicas together.
        context: The replicas whose parts of the batches are returned.
        most: Windows of a photo; of photos with more, a sample that is always the same.

    Returns:
        Dataset of (images, masks) as `evaluation_batches` returns it.
    """
    windows = photos.windows
    grid = np.concatenate([_places(photos, index, most) for index in range(len(photos))])

    def cut(indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images, masks = zip(*(_cut_window(photos, *grid[index]) for index in indices), strict=True)
        return np.stack(images), np.stack(masks)

    def make(indices: tf.Tensor, counted: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images, masks = tf.numpy_function(cut, [indices], [tf.uint8, tf.uint8], stateful=False)
        images.set_shape((indices.shape[0], *windows.size, 3))
        masks.set_shape((indices.shape[0], *windows.size))
        return tf.cast(images, tf.float32), ignored_unless(counted, masks)

    rows = _by_replica(grid[:, 0] % context.num_replicas_in_sync, context.num_replicas_in_sync)
    return prefetched(sharded(rows, batch_size, context), make)


def _by_replica(replica_of: np.ndarray, replicas: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of windows for the replicas in turn, and whether they count: bool, False for padding.

    Args:
        replica_of: int64 [n], the replica of each window.
        replicas: Number of replicas.
    """
    own = [np.flatnonzero(replica_of == replica) for replica in range(replicas)]
    # The first photo, which every worker has, fills up what others have more.
    indices = np.zeros((max(map(len, own)), replicas), np.int64)
    counted = np.zeros(indices.shape, bool)
    for replica, windows in enumerate(own):
        indices[: len(windows), replica] = windows
        counted[: len(windows), replica] = True
    return indices.ravel(), counted.ravel()


def _places(photos: Photos, index: int, most: int) -> np.ndarray:
    """Photo, row and column of the windows of a photo, int64 [n, 3]."""
    rows, columns = photos.windows.counts(*photos.sizes[index])
    chosen = np.random.default_rng(index).permutation(rows * columns)[:most]
    return np.stack([np.full_like(chosen, index), chosen // columns, chosen % columns], axis=1)


def _cut_window(photos: Photos, index: int, row: int, column: int) -> tuple[np.ndarray, np.ndarray]:
    image, mask, windows = photos.images[index], photos.masks[index], photos.windows
    (rows,), (columns,) = (
        windows.positions(axis, np.array([at]), mask.shape[axis]) for axis, at in enumerate((row, column))
    )
    (down,), (across,) = (
        windows.inside(axis, np.array([at]), mask.shape[axis]) for axis, at in enumerate((row, column))
    )
    labels = np.where(down[:, None] & across, mask[rows][:, columns], np.uint8(CLASS_ID_IGNORED))
    return image[rows][:, columns], labels
