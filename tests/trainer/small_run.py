"""A whole training of seconds on generated pairs; as a script, on two logical CPU devices:

python tests/trainer/small_run.py INPUTS DIR SETTINGS_JSON
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2

from tests.conftest import PROJECT
from tests.ports import reserve_port
from tests.trainer.pictures import THREE_CLASSES
from tests.trainer.shapes import shape_pairs, write_pairs
from trainer.run import run
from trainer.settings import TrainingSettings
from trainer.training.training_paths import TrainingPaths

SIZE = 32


def small_settings(**trainer) -> TrainingSettings:
    """A network with BatchNorm that learns, all that a step can hold, and one step an epoch."""
    return TrainingSettings(
        classes=THREE_CLASSES,
        model={"encoder": "plain", "encoder_width": 4, "image_size": SIZE, "decoder_filters": (8, 8, 8, 8)},
        trainer={
            "epochs": 4,
            "batch_size": 8,
            "learning_rate": 0.01,
            "warmup_epochs": 0,
            "label_smoothing": 0.1,
            "ema": 0.5,
            "preview_photos": 1,
        }
        | trainer,
    )


def write_inputs(folder: Path, pairs: int = 8, shards: int = 1) -> None:
    """Writes what Transform and StatisticsGen would: training examples, and five to evaluate on."""
    write_pairs(folder / "examples" / "Split-train", shape_pairs(pairs, SIZE), shards)
    write_pairs(folder / "examples" / "Split-eval", shape_pairs(5, SIZE, seed=1))
    write_statistics(folder, pairs)


def write_statistics(folder: Path, pairs: int) -> None:
    """Writes what StatisticsGen would."""
    for split in ("train", "eval"):
        path = folder / "statistics" / f"Split-{split}" / "FeatureStats.pb"
        path.parent.mkdir(parents=True)
        statistics = statistics_pb2.DatasetFeatureStatisticsList()
        statistics.datasets.add(num_examples=pairs)
        path.write_bytes(statistics.SerializeToString())


def training_paths(inputs: Path, folder: Path) -> TrainingPaths:
    return TrainingPaths(
        train=[str(inputs / "examples" / "Split-train" / "*")],
        evaluation=[str(inputs / "examples" / "Split-eval" / "*")],
        transform_graph="",
        statistics=str(inputs / "statistics"),
        checkpoints=str(folder / "checkpoints"),
        model=str(folder / "model" / "Format-Serving"),
        model_run=str(folder / "model_run"),
    )


def worker_arguments(settings: TrainingSettings, inputs: Path, folder: Path) -> list[str]:
    return [
        f"--training={settings.model_dump_json()}",
        f"--examples={inputs / 'examples'}",
        "--transform-graph=",
        f"--statistics={inputs / 'statistics'}",
        f"--checkpoints={folder / 'checkpoints'}",
        f"--model={folder / 'model'}",
        f"--model-run={folder / 'model_run'}",
    ]


def start(program: list[str], **environment: str) -> subprocess.Popen:
    """Starts Python with the project's modules in reach; what it prints comes through `stdout`."""
    return subprocess.Popen(
        [sys.executable, *program],
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def start_workers(
    settings: list[TrainingSettings], inputs: Path, folder: Path, *more: str
) -> list[subprocess.Popen]:
    """Starts workers on loopback, one for each of the settings; `more` are arguments behind the others."""
    cluster = {"worker": [f"127.0.0.1:{reserve_port()}" for _ in settings]}
    return [
        start(
            ["-m", "trainer.worker", *worker_arguments(of_worker, inputs, folder), *more],
            TF_CONFIG=json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}}),
        )
        for index, of_worker in enumerate(settings)
    ]


def history(folder: Path) -> list[dict]:
    return json.loads((folder / "model_run" / "history.json").read_text())


if __name__ == "__main__":
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    inputs, folder, training = sys.argv[1:]
    run(TrainingSettings.model_validate_json(training), training_paths(Path(inputs), Path(folder)))
