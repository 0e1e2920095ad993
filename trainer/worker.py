r"""`python -m trainer.worker`: one of several workers that train together, outside the pipeline.

    python -m trainer.worker --training "$(cat training.json)" --examples URI --transform-graph URI \
        --statistics URI --checkpoints DIR --model DIR --model-run DIR

Each worker is started with the same arguments and its own TF_CONFIG. Folders must be the same for all. The
chief (the task `chief`, else worker 0) writes: checkpoints, the model, the history.
"""

import argparse
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from petseg.errors import UserError, describe_error
from petseg.saved_model import SERVING_FOLDER
from trainer.settings import TrainingSettings
from trainer.training.training_paths import TrainingPaths

WORKER_LOST = 1


def main() -> int:
    """Trains and returns the exit status: 0 done, 1 a worker was lost, 2 arguments or data must change."""
    arguments = _parser().parse_args()
    logging.basicConfig(format="%(message)s", stream=sys.stdout, level=logging.WARNING)
    logging.getLogger("petseg").setLevel(logging.INFO)
    try:
        settings = _settings(arguments)
        # TensorFlow takes seconds to import: not before the arguments are known to be right.
        from trainer.run import run
        from trainer.training.distribution import WorkerLostError

        try:
            run(
                settings,
                TrainingPaths(
                    train=[_split(arguments.examples, "train")],
                    evaluation=[_split(arguments.examples, "eval")],
                    transform_graph=arguments.transform_graph,
                    statistics=arguments.statistics,
                    checkpoints=arguments.checkpoints,
                    model=os.path.join(arguments.model, SERVING_FOLDER),
                    model_run=arguments.model_run,
                    base_model=arguments.base_model and os.path.join(arguments.base_model, SERVING_FOLDER),
                ),
            )
        except WorkerLostError as error:
            print(f"error: {error}", file=sys.stderr)
            return WORKER_LOST
    except (UserError, OSError) as error:
        print(f"error: {describe_error(error)}", file=sys.stderr)
        return UserError.exit_status
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m trainer.worker",
        description="One of several workers that train together; the environment variable TF_CONFIG names "
        "them. Arguments have the names of the inputs, outputs and properties of the Trainer node.",
        epilog="example: see deploy/kubernetes/training/job.yaml",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--training", required=True, help="the settings of classes, model and trainer, as JSON"
    )
    parser.add_argument(
        "--examples", required=True, help="transformed examples, with Split-train and Split-eval"
    )
    parser.add_argument("--transform-graph", required=True, help="Transform's output")
    parser.add_argument("--statistics", required=True, help="StatisticsGen's output")
    parser.add_argument(
        "--checkpoints", required=True, help="checkpoint folder of this training, the same for all workers"
    )
    parser.add_argument("--model", required=True, help="where the chief writes the SavedModel")
    parser.add_argument(
        "--model-run", required=True, help="where the chief writes history and TensorBoard's logs"
    )
    parser.add_argument("--base-model", help="model to start from")
    parser.add_argument("--hyperparameters", help="file with a tuner's best values")
    return parser


def _settings(arguments: argparse.Namespace) -> TrainingSettings:
    try:
        settings = TrainingSettings.model_validate_json(arguments.training)
    except ValidationError as error:
        raise UserError(f"--training: {_first(error)}") from error
    if not arguments.hyperparameters:
        return settings
    source = f"--hyperparameters {arguments.hyperparameters}"
    values = _best_values(source, Path(arguments.hyperparameters))
    try:
        return settings.with_values(values)
    except ValidationError as error:
        raise UserError(f"{source}: {_first(error)}") from error
    except ValueError as error:
        raise UserError(f"{source}: {error}") from error


def _best_values(source: str, file: Path) -> dict[str, Any]:
    """The values in a file that KerasTuner wrote: `{"values": {"trainer.learning_rate": 0.001}}`."""
    try:
        best = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{source}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{source}: is not JSON: {error}") from None
    values = best.get("values") if isinstance(best, dict) else None
    if not isinstance(values, dict):
        raise UserError(f'{source}: must hold {{"values": {{SETTING: VALUE}}}}, as the Tuner writes it')
    return values


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return ": ".join(part for part in (".".join(map(str, first["loc"])), first["msg"]) if part)


def _split(examples: str, name: str) -> str:
    return os.path.join(examples, f"Split-{name}", "*")


if __name__ == "__main__":
    sys.exit(main())
