"""A data set of TensorFlow Datasets, prepared in a folder.

Its examples are unpacked into files, byte for byte as the builder keeps them. `oxford_iiit_pet` is unpacked
into the official layout and read by the reader of that layout, so labels and lists are the same. Of any other
builder, `data.photos` and `data.masks` name the features; null: the only image of three channels, and the
only one of one channel.
"""

import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from components.example_gen.pairs import BY_NAME, Found, PairSource
from components.example_gen.readers import pets
from components.example_gen.readers.files import data_folder
from components.example_gen.readers.patterns import splits_of, without_ending
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File
from petseg.errors import UserError
from petseg.files.object_store import is_url

LISTS = {"train": pets.TRAINVAL_LIST, "test": pets.TEST_LIST}
UNPACKS = True
"""Listing needs TensorFlow and writes files: too much before a run."""

PETS = "oxford_iiit_pet"
PETS_FEATURES = ("file_name", "image", "label", "segmentation_mask", "species")
NAMES = ("file_name", "filename", "image_id", "id", "name")
"""Features that are taken for the name of an example."""


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    return (_builder_name(data),)


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Unpacks the prepared data set into `scratch` and reads it there; see Reader."""
    yield from read_first(data, scratch, None)


def read_first(data: DataSettings, scratch: str, most: int | None) -> Iterator[Found]:
    """As `read_pairs`, but of each split only the first examples; None: all."""
    builder = _prepared_builder(data)
    if _builder_name(data) != PETS:
        yield from _read_any(builder, data, Path(scratch), most)
        return
    missing = [name for name in PETS_FEATURES if name not in builder.info.features]
    if missing:
        raise UserError(f"data.tfds_builder: {data.tfds_builder} has no feature {missing[0]}")
    for folder in (pets.PHOTOS, pets.MASKS):
        Path(scratch, folder).mkdir(parents=True)
    for split, list_file in LISTS.items():
        with Path(scratch, list_file).open("w", encoding="utf-8") as lines:
            for example in islice(_encoded_examples(builder, split, "image", "segmentation_mask"), most):
                name = example["file_name"].decode().removesuffix(".jpg")
                lines.write(f"{name} {example['label'] + 1} {example['species'] + 1}\n")
                if "/" not in name:
                    Path(scratch, pets.PHOTOS, f"{name}.jpg").write_bytes(example["image"])
                    Path(scratch, pets.MASKS, f"{name}.png").write_bytes(example["segmentation_mask"])
    yield from pets.read_pairs(data.model_copy(update={"path": scratch}), scratch)


def describe(data: DataSettings) -> tuple[int, dict[int, str]]:
    """Number of examples of all splits, and the names of the mask's values where its feature has them."""
    builder = _prepared_builder(data)
    examples = sum(split.num_examples for split in builder.info.splits.values())
    if _builder_name(data) == PETS:
        return examples, {1: "pet", 2: "background", 3: "border"}
    names = getattr(builder.info.features[_features(builder, data)[1]], "names", None) or ()
    return examples, dict(enumerate(names))


def _read_any(builder: Any, data: DataSettings, scratch: Path, most: int | None) -> Iterator[Found]:
    """Unpacks each example into files named by its number, and yields its pair."""
    photo_feature, mask_feature = _features(builder, data)
    naming = next((name for name in NAMES if name in builder.info.features), None)
    splits = splits_of(builder.info.splits) or dict.fromkeys(builder.info.splits, BY_NAME)
    for split, meant in splits.items():
        (scratch / split).mkdir(parents=True)
        examples = _encoded_examples(builder, split, photo_feature, mask_feature)
        for number, example in enumerate(islice(examples, most)):
            files = {"photo": f"{split}/{number:08d}.photo", "mask": f"{split}/{number:08d}.mask"}
            (scratch / files["photo"]).write_bytes(_encoded(example[photo_feature]))
            (scratch / files["mask"]).write_bytes(_encoded(example[mask_feature]))
            given = example[naming] if naming else f"{number:08d}"
            text = given.decode() if isinstance(given, bytes) else str(given)
            name = f"{split}/{without_ending(text)}"
            photo, mask = (File(str(scratch), file) for file in files.values())
            yield PairSource(name, photo, mask, split=meant, found_in=split)


def _features(builder: Any, data: DataSettings) -> tuple[str, str]:
    """Names of the features of photos and masks.

    Raises:
        UserError: The settings do not name them, and there is none or more than one of a kind.
    """
    images = {
        name: feature.shape[-1]
        for name, feature in builder.info.features.items()
        if len(feature.shape or ()) == 3
    }
    chosen: list[str] = []
    for key, wanted, channels in (("photos", data.photos, 3), ("masks", data.masks, 1)):
        fitting = [name for name, count in images.items() if count == channels]
        if wanted is None and len(fitting) == 1:
            wanted = fitting[0]
        if wanted is None or wanted not in images:
            raise UserError(
                f"data.{key} must name a feature of {data.tfds_builder} with images; it has "
                f"{', '.join(sorted(images)) or 'none'}; received {wanted}"
            )
        chosen.append(wanted)
    return chosen[0], chosen[1]


def _encoded(image: Any) -> bytes:
    """The file's own bytes, or a PNG of an array."""
    if isinstance(image, bytes):
        return image
    pixels = np.asarray(image)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _builder_name(data: DataSettings) -> str:
    return (data.tfds_builder or "").partition(":")[0]


def _prepared_builder(data: DataSettings) -> Any:
    # Imported here, because the fingerprint must not import TensorFlow.
    from tensorflow_datasets.core import registered
    from tensorflow_datasets.core.read_only_builder import builder_from_files

    if is_url(data.path):
        raise UserError(f"data.path: data.format tfds reads local folders only; received {data.path}")
    folder = data_folder(data)
    try:
        return builder_from_files(data.tfds_builder, data_dir=str(folder))
    except registered.DatasetNotFoundError:
        raise UserError(
            f"data.path: {folder} has no prepared {data.tfds_builder};"
            f" prepare it with: tfds build {_builder_name(data)} --data_dir {folder}"
        ) from None
    # Of a damaged folder, TFDS and Protocol Buffers raise all kinds of errors.
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"data.path: the prepared {data.tfds_builder} in {folder} cannot be read: {said}; prepare it "
            "again"
        ) from None


def _encoded_examples(builder: Any, split: str, *images: str) -> Iterator[dict[str, Any]]:
    import tensorflow_datasets as tfds

    decoders = {
        name: tfds.decode.SkipDecoding()
        for name in images
        if isinstance(builder.info.features[name], tfds.features.Image)
    }
    return iter(tfds.as_numpy(builder.as_dataset(split=split, decoders=decoders)))
