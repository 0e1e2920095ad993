"""What the Trainer node and its workers do: from settings and transformed examples to a SavedModel."""

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.distribution import check_alike, is_chief, make_strategy, told_of_lost_workers, wait_for_all
from trainer.fit import fit
from trainer.input import Pairs, load_evaluation_pairs, load_training_pairs
from trainer.model_card import model_card
from trainer.progress import Watcher, logger, write_history
from trainer.settings import TrainingSettings
from trainer.signatures import export_model
from trainer.statistics import merged_statistics
from trainer.tensorboard import TensorBoard

REFERENCE_PHOTOS = 8
"""Eval photos whose answers travel with the model, for ServingCheck."""


@dataclasses.dataclass(frozen=True)
class Places:
    """Where a training finds what it needs and leaves what it makes.

    Attributes:
        train: File patterns of the transformed examples to train on.
        evaluation: File patterns of those to judge by.
        transform_graph: Transform's output.
        statistics: Output of StatisticsGen.
        checkpoints: Folder of this very training, removed at the end.
        model: Folder of the SavedModel.
        model_run: Folder of the history and of TensorBoard's logs.
        base_model: SavedModel to start from, or None.
    """

    train: list[str]
    evaluation: list[str]
    transform_graph: str
    statistics: str
    checkpoints: str
    model: str
    model_run: str
    base_model: str | None = None


def run_fn(fn_args: Any) -> None:
    """Trains a model and exports it.

    Args:
        fn_args: TFX's `FnArgs`. Its `custom_config` has `training` (JSON of TrainingSettings), `statistics`
            (uri of the StatisticsGen artifact) and `checkpoints` (folder of this very training).

    Raises:
        UserError, WorkerLostError: See `run`.
    """
    config = fn_args.custom_config
    settings = TrainingSettings.model_validate_json(config["training"])
    if fn_args.hyperparameters:
        settings = settings.with_values(fn_args.hyperparameters["values"])
    places = Places(
        train=fn_args.train_files,
        evaluation=fn_args.eval_files,
        transform_graph=fn_args.transform_output,
        statistics=config["statistics"],
        checkpoints=config["checkpoints"],
        model=fn_args.serving_model_dir,
        model_run=fn_args.model_run_dir,
        base_model=fn_args.base_model,
    )
    run(settings, places)


def run(settings: TrainingSettings, places: Places) -> None:
    """Trains a model, alone or with other workers, and exports it where this process is the chief.

    Raises:
        UserError: Settings do not fit the data, the model that is started from or the workers, or the loss
            diverged.
        WorkerLostError: Another worker is gone.
    """
    trainer = settings.trainer
    if trainer.distribution == "multi_worker":
        logger.info("waits for the other workers; checkpoints are in %s", places.checkpoints)
    strategy = make_strategy(trainer.distribution)
    train_pairs = load_training_pairs(places.train, settings)
    eval_pairs = load_evaluation_pairs(places.evaluation, settings)
    watchers: list[Watcher] = []
    if is_chief(strategy):
        previews = eval_pairs.first(trainer.preview_photos)
        watchers.append(TensorBoard(places.model_run, previews, settings.classes))
    with told_of_lost_workers(strategy):
        check_alike(strategy, f"{settings.model_dump_json()} {train_pairs.names} {eval_pairs.names}")
        model, history = fit(
            settings,
            train_pairs,
            eval_pairs,
            transform_output=places.transform_graph,
            checkpoints=places.checkpoints,
            strategy=strategy,
            production_model=places.base_model,
            watchers=watchers,
        )
        if is_chief(strategy):
            _write(model, history, settings, places, len(train_pairs), eval_pairs)
        # A worker that leaves earlier would be taken for a lost one.
        wait_for_all(strategy)


def _write(
    model: keras.Model,
    history: list[dict[str, Any]],
    settings: TrainingSettings,
    places: Places,
    trained_on: int,
    eval_pairs: Pairs,
) -> None:
    write_history(places.model_run, history)
    reference = eval_pairs.first(REFERENCE_PHOTOS)
    export_model(
        model,
        settings,
        places.model,
        statistics=merged_statistics(places.statistics),
        reference_images=np.stack(reference.images),
        reference_names=reference.names,
        model_card=model_card(settings, history, trained_on, len(eval_pairs)),
    )
    tf.io.gfile.rmtree(places.checkpoints)
