"""What the Trainer node and its workers do: from settings and transformed examples to a SavedModel."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from petseg.statistics import merged_statistics
from trainer.data.input import Pairs, load_evaluation_pairs, load_training_pairs
from trainer.export.model_card import model_card
from trainer.export.signatures import export_model
from trainer.settings import TrainingSettings
from trainer.training.callbacks import Watcher, logger, write_history
from trainer.training.distribution import (
    check_alike,
    is_chief,
    make_strategy,
    told_of_lost_workers,
    wait_for_all,
)
from trainer.training.fit import fit
from trainer.training.tensorboard import TensorBoard
from trainer.training_paths import Places

REFERENCE_PHOTOS = 8
"""Eval photos whose answers travel with the model, for ServingCheck."""


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
