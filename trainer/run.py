"""Training in the Trainer node and in workers: from settings and transformed examples to a SavedModel."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from petseg.files.tensorflow_errors import as_os_errors
from petseg.statistics import merged_statistics
from trainer.data.examples import Examples, load_examples
from trainer.data.pairs import Pairs
from trainer.export.export_model import export_model
from trainer.export.model_card import model_card
from trainer.settings import TrainingSettings
from trainer.training.callbacks import Callback, logger, write_history
from trainer.training.distribution import (
    check_alike,
    describe_devices,
    is_chief,
    make_strategy,
    report_lost_workers,
    wait_for_all,
)
from trainer.training.fit import fit
from trainer.training.tensorboard import TensorBoard
from trainer.training.training_paths import TrainingPaths

REFERENCE_PHOTOS = 8
"""Eval photos whose predictions are stored in the model, for ServingCheck."""


def run(settings: TrainingSettings, paths: TrainingPaths) -> None:
    """Trains a model, alone or with other workers, and exports it if this process is the chief.

    Raises:
        UserError: The settings do not fit the data, the model to start from or the workers, or the loss
            diverged.
        WorkerLostError: Another worker died or cannot be reached.
        OSError: Checkpoints, model or history cannot be written.
    """
    trainer = settings.trainer
    if trainer.distribution == "multi_worker":
        logger.info("waiting for the other workers; checkpoints are in %s", paths.checkpoints)
    strategy = make_strategy(trainer.distribution)
    # Inner first: a file that cannot be written is no lost worker.
    with report_lost_workers(strategy), as_os_errors():
        train_pairs, eval_pairs = load_examples(
            paths.train, paths.evaluation, settings, strategy, paths.checkpoints
        )
        if isinstance(train_pairs, Pairs) and len(train_pairs.kept) < len(train_pairs):
            logger.info(
                "this worker keeps %d of %d training examples", len(train_pairs.kept), len(train_pairs)
            )
        described = f"{train_pairs.description} {eval_pairs.description}"
        check_alike(strategy, f"{settings.model_dump_json()} {described}")
        callbacks: list[Callback] = []
        if is_chief(strategy):
            previews = eval_pairs.first(trainer.preview_photos)
            callbacks.append(TensorBoard(paths.model_run, previews, settings.classes))
        model, history = fit(
            settings,
            train_pairs,
            eval_pairs,
            transform_output=paths.transform_graph,
            checkpoints=paths.checkpoints,
            strategy=strategy,
            production_model=paths.base_model,
            callbacks=callbacks,
        )
        if is_chief(strategy):
            device = describe_devices(strategy)
            _write(model, history, settings, paths, len(train_pairs), eval_pairs, device)
        # The others would take a worker that exits earlier for a lost one.
        wait_for_all(strategy)


def _write(
    model: keras.Model,
    history: list[dict[str, Any]],
    settings: TrainingSettings,
    paths: TrainingPaths,
    trained_on: int,
    eval_pairs: Examples,
    device: str,
) -> None:
    write_history(paths.model_run, history)
    reference = eval_pairs.first(REFERENCE_PHOTOS)
    export_model(
        model,
        settings,
        paths.model,
        statistics=merged_statistics(paths.statistics),
        reference_images=np.stack(reference.images),
        reference_names=reference.names,
        model_card=model_card(settings, history, trained_on, len(eval_pairs)),
        device=device,
    )
    tf.io.gfile.rmtree(paths.checkpoints)
