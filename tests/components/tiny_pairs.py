"""Tiny photos and masks in the layouts that ExampleGen reads, and ExampleGen run on them."""

import json
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image
from tfx.types import artifact_utils, standard_artifacts

from components.artifacts import DataReport
from components.example_gen.executor import Executor
from components.example_gen.settings import DataSettings
from petseg.tf_photo import decode_photo
from pipeline.config_file import read_config
from pipeline.settings import BeamSettings
from tests.conftest import PETS_CONFIG

TRAINVAL = [f"Bengal_{number}" for number in range(8)] + [f"pug_{number}" for number in range(8)]
TEST = [f"Bengal_{number}" for number in range(100, 103)] + [f"pug_{number}" for number in range(100, 103)]

BEAM_ARGS = BeamSettings().pipeline_args

PETS = read_config(PETS_CONFIG)["data"]


def photo(seed: int, height: int = 48, width: int = 64) -> Image.Image:
    """A photo of colored clouds; each seed looks different."""
    clouds = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(clouds).resize((width, height), Image.Resampling.BICUBIC)


def mask(height: int = 48, width: int = 64, values: tuple[int, ...] = (1, 2, 3)) -> Image.Image:
    """A mask of vertical stripes, one per value, the last one on the right."""
    stripes = np.arange(width) * len(values) // width
    return Image.fromarray(np.tile(np.asarray(values, np.uint8)[stripes], (height, 1)))


def write_pets(folder: Path) -> Path:
    """Writes TRAINVAL and TEST in the official layout."""
    (folder / "images").mkdir(parents=True)
    (folder / "annotations/trimaps").mkdir(parents=True)
    for seed, name in enumerate(TRAINVAL + TEST):
        height, width = (48, 64) if seed % 2 else (60, 40)
        photo(seed, height, width).save(folder / f"images/{name}.jpg", quality=90)
        mask(height, width).save(folder / f"annotations/trimaps/{name}.png")
    for file, names in (("trainval", TRAINVAL), ("test", TEST)):
        lines = [f"{name} 1 {1 if name[0].isupper() else 2} 1\n" for name in names]
        (folder / f"annotations/{file}.txt").write_text("".join(lines))
    return folder


def pets_data(path: Path | str | None, **settings: Any) -> DataSettings:
    """The pets' data settings, with some of them replaced."""
    return DataSettings.model_validate(PETS | {"path": path and str(path)} | settings)


def write_folder(folder: Path, names: list[str], values: tuple[int, ...]) -> Path:
    """Writes photos and masks in the folder layout."""
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    for seed, name in enumerate(names):
        photo(seed).save(folder / f"images/{name}.png" if seed % 3 else folder / f"images/{name}.jpg")
        mask(values=values).save(folder / f"masks/{name}.png")
    return folder


@dataclass(frozen=True)
class Written:
    """The outputs of a run of ExampleGen.

    Attributes:
        records: Serialized examples of each split, in the order of the shards.
        report: data_report.json.
        files: Path of every file below the outputs, and its bytes.
    """

    records: dict[str, list[bytes]]
    report: dict[str, Any]
    files: dict[str, bytes]

    def names(self, split: str) -> list[str]:
        return [text(example, "image/name") for example in self.examples(split)]

    def examples(self, split: str) -> list[tf.train.Example]:
        return [tf.train.Example.FromString(record) for record in self.records[split]]

    def example(self, name: str) -> tf.train.Example:
        """The example with this name, in any split."""
        found = [
            example
            for split in self.records
            for example in self.examples(split)
            if text(example, "image/name") == name
        ]
        assert len(found) == 1, f"{name} was written {len(found)} times"
        return found[0]

    def reason(self, kind: str, file: str) -> str:
        """Why a file was quarantined or repaired."""
        found = [note["reason"] for note in self.report[kind] if note["file"] == file]
        assert len(found) == 1, f"{file} is not in {self.report[kind]}"
        return found[0]


def run_example_gen(output: Path, data: DataSettings, beam_args: list[str] = BEAM_ARGS) -> Written:
    """Runs the component's executor as TFX would."""
    examples, report = standard_artifacts.Examples(), DataReport()
    for artifact, name in ((examples, "examples"), (report, "data_report")):
        artifact.uri = str(output / name)
        os.makedirs(artifact.uri)
    context = Executor.Context(beam_pipeline_args=list(beam_args), tmp_dir=str(output / "tmp"), unique_id="1")
    Executor(context).Do(
        {},
        {"examples": [examples], "data_report": [report]},
        {"data": data.model_dump_json(by_alias=True), "fingerprint": "", "code": ""},
    )
    records = {}
    for split in artifact_utils.decode_split_names(examples.split_names):
        shards = sorted(map(str, Path(artifact_utils.get_split_uri([examples], split)).iterdir()))
        dataset = tf.data.TFRecordDataset(shards, compression_type="GZIP")
        records[split] = [record.numpy() for record in dataset]
    files = {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}
    return Written(records, json.loads(files["data_report/data_report.json"]), files)


def text(example: tf.train.Example, feature: str) -> str:
    return raw(example, feature).decode()


def raw(example: tf.train.Example, feature: str) -> bytes:
    (value,) = example.features.feature[feature].bytes_list.value
    return value


def integer(example: tf.train.Example, feature: str) -> int:
    (value,) = example.features.feature[feature].int64_list.value
    return value


def number(example: tf.train.Example, feature: str) -> float:
    (value,) = example.features.feature[feature].float_list.value
    return value


def decoded_mask(example: tf.train.Example) -> np.ndarray:
    """The mask as TensorFlow sees it, int [height, width]."""
    return tf.io.decode_png(raw(example, "mask/encoded")).numpy()[..., 0]


def decoded_photo(example: tf.train.Example) -> np.ndarray:
    """The photo as Transform and the signatures see it."""
    return decode_photo(tf.constant(raw(example, "image/encoded"))).numpy()


def png_of_stated_size(width: int, height: int) -> bytes:
    """A PNG whose header says many pixels and whose body has almost none."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")
