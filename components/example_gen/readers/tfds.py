"""The TensorFlow Datasets builder `oxford_iiit_pet`, prepared in a folder.

Its examples are unpacked into the official layout, byte for byte as the builder keeps them. The reader of
that layout reads them, so labels and lists are the same.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from components.example_gen.pairs import Found
from components.example_gen.readers import pets
from components.example_gen.readers.files import data_folder
from components.example_gen.settings import DataSettings
from petseg.errors import UserError
from petseg.files.object_store import is_url

LISTS = {"train": pets.TRAINVAL_LIST, "test": pets.TEST_LIST}
UNPACKS = True
"""Listing needs TensorFlow and writes files: too much before a run."""

FEATURES = ("file_name", "image", "label", "segmentation_mask", "species")


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    return (_builder_name(data),)


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Unpacks the prepared data set into `scratch` and reads it there; see Reader."""
    builder = _prepared_builder(data)
    for folder in (pets.PHOTOS, pets.MASKS):
        Path(scratch, folder).mkdir(parents=True)
    for split, list_file in LISTS.items():
        with Path(scratch, list_file).open("w", encoding="utf-8") as lines:
            for example in _encoded_examples(builder, split):
                name = example["file_name"].decode().removesuffix(".jpg")
                lines.write(f"{name} {example['label'] + 1} {example['species'] + 1}\n")
                if "/" not in name:
                    Path(scratch, pets.PHOTOS, f"{name}.jpg").write_bytes(example["image"])
                    Path(scratch, pets.MASKS, f"{name}.png").write_bytes(example["segmentation_mask"])
    yield from pets.read_pairs(data.model_copy(update={"path": scratch}), scratch)


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
        builder = builder_from_files(data.tfds_builder, data_dir=str(folder))
    except registered.DatasetNotFoundError:
        raise UserError(
            f"data.path: {folder} has no prepared {data.tfds_builder};"
            f" prepare it with: tfds build {_builder_name(data)} --data_dir {folder}"
        ) from None
    missing = [name for name in FEATURES if name not in builder.info.features]
    if missing:
        raise UserError(f"data.tfds_builder: {data.tfds_builder} has no feature {missing[0]}")
    return builder


def _encoded_examples(builder: Any, split: str) -> Iterator[dict[str, Any]]:
    import tensorflow_datasets as tfds

    decoders = {"image": tfds.decode.SkipDecoding(), "segmentation_mask": tfds.decode.SkipDecoding()}
    return iter(tfds.as_numpy(builder.as_dataset(split=split, decoders=decoders)))
