"""Raw examples to model inputs: Transform's `preprocessing_fn`, and the image path that serving uses too."""

import functools
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from petseg.class_table import CLASS_ID_IGNORED, ClassTable
from petseg.tf_photo import decode_photo
from trainer.data.geometry import Size, Tiles, WholePhoto, photo_geometry, stored_geometry
from trainer.data.transform_settings import TransformSettings

CLASS_SHARES = "class_shares"
"""Vocabulary of Transform's output that holds the classes' pixel shares."""

PairKind = Literal["at model resolution", "to crop from"]
"""The two sizes in which a decoded example may be stored."""

FEATURES: dict[PairKind, tuple[str, str]] = {
    "at model resolution": ("image", "mask"),
    "to crop from": ("training_image", "training_mask"),
}
"""Names of the image and the mask of each size."""

ENCODED = ("encoded_image", "encoded_mask")
"""Names of the photo's and the mask's file, which `transform.fit: tile` stores instead of pixels."""

PARALLEL_PHOTOS = 4
"""Photos decoded at once. More would only keep more full-size photos in memory."""


def prepare_photo(image_bytes: tf.Tensor, geometry: WholePhoto) -> tuple[tf.Tensor, tf.Tensor]:
    """The one path from a photo's bytes to the model's input: `decode_photo`, then `geometry.prepare`.

    Transform takes the same two steps, since it may need two sizes of one decoded photo.

    Args:
        image_bytes: string [], see `decode_photo`.
        geometry: How a photo lies in the model's input.

    Returns:
        The model's input, uint8 [H, W, 3], and the photo's own height and width, int32 [2].
    """
    photo = decode_photo(image_bytes)
    return geometry.prepare(photo), tf.shape(photo)[:2]


def decode_mask(mask_bytes: tf.Tensor, class_table: ClassTable) -> tf.Tensor:
    """Decodes a mask to class ids.

    Args:
        mask_bytes: string []. One-channel 8-bit PNG with the data set's own values.
        class_table: values of the classes.

    Returns:
        uint8 [h, w]: class ids; `CLASS_ID_IGNORED` where the value is the ignored one or in no class.
    """
    ids = np.full(256, CLASS_ID_IGNORED, np.uint8)
    ids[list(class_table.values)] = np.arange(len(class_table))
    values = tf.io.decode_png(mask_bytes, channels=1)[..., 0]
    return tf.gather(tf.constant(ids), tf.cast(values, tf.int32))


def stored_mask(ids: tf.Tensor, transform: Mapping[str, Any], size: Size) -> tf.Tensor:
    """A mask as Transform stores it for training.

    Args:
        ids: Class ids, uint8 [h, w].
        transform: The settings of `transform`.
        size: Height and width of the model's input in pixels.
    """
    return stored_geometry(TransformSettings.model_validate(transform), size).prepare_mask(ids)


def preprocessing_fn(inputs: dict[str, tf.Tensor], custom_config: dict[str, Any]) -> dict[str, tf.Tensor]:
    """Transform's module function.

    Args:
        inputs: raw features. Dense, one value an example: `image/encoded`, `mask/encoded`, `image/name`, and
            `mask/share_<class key>` for every class. Others are not used: labels of photos may be sparse.
        custom_config: `settings` has the keys `classes`, `transform` and `input_size`, [height, width].

    Returns:
        `image` (uint8 [H, W, 3]) and `mask` (uint8 [H, W], class ids), each as the bytes of
        `tf.io.serialize_tensor`, and `image/name`; string [n]. With a `training_scale` above 1 the same pair
        larger, as `training_image` and `training_mask`. With `fit: tile` instead `encoded_image`, the
        photo's file or, scaled, a PNG, and `encoded_mask`, a PNG of class ids, both at model resolution. The
        classes' pixel shares over the analyzed split are in the transform graph, see `class_shares`.

    Examples:
        >>> import functools
        >>> classes = [
        ...     {"value": 1, "name": "pet", "color": "#f2a03d"},
        ...     {"value": 2, "name": "background", "color": "#2e4a62"},
        ... ]
        >>> config = {"settings": {"classes": classes, "transform": {}, "input_size": [64, 64]}}
        >>> types = {"image/encoded": tf.string, "mask/encoded": tf.string, "image/name": tf.string}
        >>> types |= {"mask/share_pet": tf.float32, "mask/share_background": tf.float32}
        >>> signature = {name: tf.TensorSpec([None, 1], dtype) for name, dtype in types.items()}
        >>> transform = functools.partial(preprocessing_fn, custom_config=config)
        >>> sorted(tft.get_transform_input_columns(transform, signature))  # The analysis needs the shares.
        ['image/encoded', 'image/name', 'mask/encoded']
    """
    settings = custom_config["settings"]
    classes = ClassTable.model_validate(settings["classes"])
    transform = TransformSettings.model_validate(settings["transform"])
    height, width = settings["input_size"]
    geometry = photo_geometry(transform, (height, width))
    names: tuple[str, ...]
    if isinstance(geometry, Tiles):
        prepare, names = functools.partial(_encode_pair, classes=classes, tiles=geometry), ENCODED
    else:
        geometries: dict[PairKind, WholePhoto] = {"at model resolution": geometry}
        if transform.training_scale > 1:
            geometries["to crop from"] = geometry.enlarged(transform.training_scale)
        prepare = functools.partial(_decode_pair, classes=classes, geometries=geometries)
        names = tuple(name for kind in geometries for name in FEATURES[kind])
    needed = ("image/encoded", "mask/encoded", "image/name", *(f"mask/share_{key}" for key in classes.keys))
    scalars = {name: tf.reshape(inputs[name], [-1]) for name in needed}
    _analyze_class_shares(scalars, classes)
    pairs = tf.map_fn(
        prepare,
        (scalars["image/encoded"], scalars["mask/encoded"]),
        fn_output_signature={name: tf.TensorSpec([], tf.string) for name in names},
        parallel_iterations=PARALLEL_PHOTOS,
    )
    return {**pairs, "image/name": scalars["image/name"]}


def _decode_pair(
    pair: tuple[tf.Tensor, tf.Tensor], classes: ClassTable, geometries: Mapping[PairKind, WholePhoto]
) -> dict[str, tf.Tensor]:
    """The pixels of a pair in one or two sizes, serialized."""
    photo, ids = decode_photo(pair[0]), decode_mask(pair[1], classes)
    prepared = {}
    for kind, geometry in geometries.items():
        image, mask = FEATURES[kind]
        prepared[image] = tf.io.serialize_tensor(geometry.prepare(photo))
        prepared[mask] = tf.io.serialize_tensor(geometry.prepare_mask(ids))
    return prepared


def _encode_pair(
    pair: tuple[tf.Tensor, tf.Tensor], classes: ClassTable, tiles: Tiles
) -> dict[str, tf.Tensor]:
    """The files of a pair at model resolution. Photos of their own pixels stay the files that they are."""
    image, mask = ENCODED
    photo = pair[0] if tiles.scale == 1 else tf.io.encode_png(tiles.prepare(decode_photo(pair[0])))
    ids = tiles.prepare_mask(decode_mask(pair[1], classes))
    return {image: photo, mask: tf.io.encode_png(ids[..., tf.newaxis])}


def _analyze_class_shares(scalars: dict[str, tf.Tensor], classes: ClassTable) -> None:
    """Sums the classes' pixel shares into a vocabulary: the class keys, each weighted by its share.

    A vocabulary is a file of the transform graph, so the shares cost no column in every example.
    """
    shares = tf.stack([scalars[f"mask/share_{name}"] for name in classes.keys], axis=1)
    names = tf.broadcast_to(tf.constant(classes.keys), tf.shape(shares))
    tft.vocabulary(
        tf.reshape(names, [-1]),
        weights=tf.reshape(shares, [-1]),
        store_frequency=True,
        vocab_filename=CLASS_SHARES,
    )


def class_shares(transform_output: tft.TFTransformOutput, classes: ClassTable) -> np.ndarray:
    """Mean shares of pixels of each class in the training photos.

    Args:
        transform_output: the output of a Transform with this module's `preprocessing_fn`.
        classes: the class table.

    Returns:
        float32 [classes], sum 1; ignored pixels are left out.
    """
    path = transform_output.vocabulary_file_by_name(CLASS_SHARES)
    with tf.io.gfile.GFile(path) as lines:
        weight_and_name = [line.split() for line in lines]
    weights = {name: float(weight) for weight, name in weight_and_name}
    sums = np.array([weights.get(name, 0.0) for name in classes.keys])
    return (sums / sums.sum()).astype(np.float32)


def parse_encoded_pair(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads and decodes one example that Transform wrote with `fit: tile`.

    Args:
        serialized: string [], a tf.Example.

    Returns:
        The photo, uint8 [h, w, 3], and its mask, uint8 [h, w], class ids.
    """
    features = {name: tf.io.FixedLenFeature([], tf.string) for name in ENCODED}
    image, mask = (tf.io.parse_single_example(serialized, features)[name] for name in ENCODED)
    return decode_photo(image), tf.io.decode_png(mask, channels=1)[..., 0]


def parse_pair(
    serialized: tf.Tensor, size: Size, kind: PairKind = "at model resolution"
) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads one transformed example.

    Args:
        serialized: string [], a tf.Example that Transform wrote.
        size: height and width of the pair in pixels.
        kind: which of the two sizes in the example.

    Returns:
        The image, uint8 [height, width, 3], and the mask, uint8 [height, width], class ids.
    """
    names = FEATURES[kind]
    example = tf.io.parse_single_example(
        serialized, {name: tf.io.FixedLenFeature([], tf.string) for name in names}
    )
    image, mask = (tf.io.parse_tensor(example[name], tf.uint8) for name in names)
    return tf.ensure_shape(image, [*size, 3]), tf.ensure_shape(mask, size)
