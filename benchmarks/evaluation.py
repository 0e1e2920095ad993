"""What an evaluation costs beside a plain loop that decodes, infers and resizes to native resolution.

    python -m benchmarks.evaluation --data "$PETSEG_DATA" --model DIR

Runs the Evaluator (every metric, at both resolutions, on all slices, without a baseline) and the loop on the
same raw test examples, each in its own process, one after the other, for two numbers of photos. Prints the
wall seconds without imports, their ratio, and the peak memory, which must not grow with the photos. `--model`
is the folder of a pushed model; without it a U-Net of the default settings with random weights is used, which
takes as long. With `--baseline` the Evaluator also evaluates a baseline, here the same model again, and the
ratio is to two loops. Takes four minutes on 2 free cores.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.pets import PETS, PETS_DATA
from pipeline.beam_settings import BeamSettings

PHOTOS = (400, 3669)
BATCH = 32
SPLIT = "test"


def write_examples(data: str, folder: Path, photos: int) -> None:
    """Writes raw examples of test photos, spread over the whole list, as ExampleGen writes them."""
    from components.example_gen.checks import check_pair
    from components.example_gen.executor import write_shard
    from components.example_gen.listing import list_pairs

    settings = PETS_DATA.model_copy(update={"path": data})
    listing = list_pairs(settings, scratch="")
    sources = [pair for pair in listing.pairs if pair.split == SPLIT]
    chosen = [sources[index * len(sources) // photos] for index in range(photos)]
    checked = [check_pair(source, settings) for source in chosen]
    whole = tuple(pair for pair in checked if pair.broken is None)
    file = folder / f"Split-{SPLIT}" / "data_tfrecord-00000-of-00001.gz"
    write_shard(str(file), whole, settings)


def write_untrained_model(folder: Path) -> None:
    """Exports the default U-Net with random weights."""
    import numpy as np

    from trainer.export.export_model import export_model
    from trainer.models import build_model
    from trainer.settings import TrainingSettings

    settings = TrainingSettings(classes=PETS)
    photos = np.zeros((1, *settings.model.input_size, 3), np.uint8)
    export_model(build_model(settings), settings, str(folder), None, photos, ["black"], "")


def evaluate(examples: Path, model: Path, baseline: bool = False) -> float:
    """Seconds that the Evaluator's executor takes, for the model alone or beside the same as a baseline."""
    from tfx.types import artifact_utils, standard_artifacts

    from components.evaluator.executor import Executor
    from components.evaluator.settings import EvaluatorSettings

    models = {name: standard_artifacts.Model() for name in ("model", "baseline_model")[: 1 + baseline]}
    inputs = {"examples": standard_artifacts.Examples(), **models}
    inputs["examples"].split_names = artifact_utils.encode_split_names([SPLIT])
    outputs = {
        "evaluation": standard_artifacts.ModelEvaluation(),
        "blessing": standard_artifacts.ModelBlessing(),
    }
    with tempfile.TemporaryDirectory() as scratch:
        for name, artifact in (inputs | outputs).items():
            artifact.uri = str(Path(scratch, name))
        inputs["examples"].uri = str(examples)
        for artifact in models.values():
            Path(artifact.uri).mkdir()
            Path(artifact.uri, "Format-Serving").symlink_to(model.resolve())
        settings = EvaluatorSettings(classes=PETS, slice_features=PETS_DATA.slice_features)
        context = Executor.Context(
            beam_pipeline_args=BeamSettings().pipeline_args,
            tmp_dir=scratch,
            unique_id="1",
        )
        began = time.monotonic()
        Executor(context).Do(
            {name: [artifact] for name, artifact in inputs.items()},
            {name: [artifact] for name, artifact in outputs.items()},
            {"evaluation_settings": settings.model_dump_json(), "known_counts": "", "code": ""},
        )
        return time.monotonic() - began


def loop(examples: Path, model: Path) -> float:
    """Seconds that decoding, inferring and resizing take in a plain loop."""
    import tensorflow as tf

    from petseg.tf_data import without_autotuning
    from trainer.data.geometry import photo_geometry
    from trainer.data.preprocessing import prepare_photo
    from trainer.settings import TrainingSettings

    began = time.monotonic()
    loaded = tf.saved_model.load(str(model))
    infer = loaded.signatures["images"]
    settings = TrainingSettings.from_stored((model / "assets.extra" / "settings.json").read_text())
    geometry = photo_geometry(settings.transform, settings.model.input_size)
    feature = {"image/encoded": tf.io.FixedLenFeature([], tf.string)}
    decode = tf.function(lambda photo: prepare_photo(photo, geometry))
    files = tf.io.gfile.glob(str(examples / f"Split-{SPLIT}" / "*"))
    for records in without_autotuning(tf.data.TFRecordDataset(files, "GZIP").batch(BATCH)):
        encoded = tf.io.parse_example(records, feature)["image/encoded"]
        photos, sizes = zip(*(decode(photo) for photo in encoded), strict=True)
        probabilities = infer(images=tf.stack(photos))["probabilities"]
        for of_photo, size_of_photo in zip(probabilities, sizes, strict=True):
            tf.image.resize(of_photo, size_of_photo)
    return time.monotonic() - began


TASKS = {
    "evaluate": evaluate,
    "evaluate with a baseline": partial(evaluate, baseline=True),
    "loop": loop,
}


def measure(task: str, examples: Path, model: Path) -> dict[str, float]:
    """Runs a task in a process of its own; returns its seconds and its peak memory in MB."""
    from pipeline.runs.memory import PeakMemory

    command = [sys.executable, "-m", "benchmarks.evaluation", "--task", task]
    process = subprocess.Popen(
        [*command, "--examples", str(examples), "--model", str(model)],
        cwd=Path(__file__).resolve().parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with PeakMemory(process.pid) as memory:
        output, _ = process.communicate()
    if process.returncode:
        sys.exit(f"error: {' '.join(command)} ended with status {process.returncode}")
    seconds = float(output.splitlines()[-1])
    return {"seconds": round(seconds, 1), "peak_memory_mb": round(memory.megabytes)}


def main() -> None:
    """Measures both at each number of photos and prints one JSON object a number."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="The pets, in their official layout.")
    parser.add_argument("--model", type=Path, help="Folder of a pushed model.")
    parser.add_argument("--photos", type=int, nargs="+", default=PHOTOS)
    parser.add_argument("--baseline", action="store_true")
    parser.add_argument("--task", choices=TASKS, help=argparse.SUPPRESS)
    parser.add_argument("--examples", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        print(TASKS[arguments.task](arguments.examples, arguments.model))
        return
    if not arguments.data:
        parser.error("--data is needed")
    with tempfile.TemporaryDirectory() as scratch:
        model = arguments.model or Path(scratch, "model")
        if not arguments.model:
            write_untrained_model(model)
        for photos in arguments.photos:
            examples = Path(scratch, f"examples_{photos}")
            write_examples(arguments.data, examples, photos)
            plain = measure("loop", examples, model)
            task = "evaluate with a baseline" if arguments.baseline else "evaluate"
            evaluator = measure(task, examples, model)
            ratio = round(evaluator["seconds"] / (1 + arguments.baseline) / plain["seconds"], 3)
            print(json.dumps({"photos": photos, "loop": plain, "evaluator": evaluator, "ratio": ratio}))


if __name__ == "__main__":
    main()
