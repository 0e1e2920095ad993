"""What the Trainer node does: `run_fn`, from settings and transformed examples to a SavedModel."""

from typing import Any

import numpy as np
import tensorflow as tf

from trainer.fit import fit
from trainer.input import load_pairs
from trainer.model_card import model_card
from trainer.progress import write_history
from trainer.settings import TrainingSettings
from trainer.signatures import export_model
from trainer.statistics import merged_statistics
from trainer.tensorboard import TensorBoard

REFERENCE_PHOTOS = 8
"""Eval photos whose answers travel with the model, for ServingCheck."""


def run_fn(fn_args: Any) -> None:
    """Trains a model and exports it.

    Args:
        fn_args: TFX's `FnArgs`. Its `custom_config` has `training` (JSON of TrainingSettings), `statistics`
            (uri of the StatisticsGen artifact) and `checkpoints` (folder of this very training, removed at
            the end).

    Raises:
        UserError: Settings do not fit the data or the model that is started from, or the loss diverged.
    """
    config = fn_args.custom_config
    settings = TrainingSettings.model_validate_json(config["training"])
    if fn_args.hyperparameters:
        settings = settings.with_values(fn_args.hyperparameters["values"])
    trainer, size = settings.trainer, settings.model.image_size
    train_pairs = load_pairs(fn_args.train_files, size, trainer.cache)
    eval_pairs = load_pairs(fn_args.eval_files, size, trainer.cache)
    model, history = fit(
        settings,
        train_pairs,
        eval_pairs,
        transform_output=fn_args.transform_output,
        checkpoints=config["checkpoints"],
        production_model=fn_args.base_model,
        watchers=[
            TensorBoard(fn_args.model_run_dir, eval_pairs.first(trainer.preview_photos), settings.classes),
        ],
    )
    write_history(fn_args.model_run_dir, history)
    reference = eval_pairs.first(REFERENCE_PHOTOS)
    export_model(
        model,
        settings,
        fn_args.serving_model_dir,
        statistics=merged_statistics(config["statistics"]),
        reference_images=np.stack(reference.images),
        reference_names=reference.names,
        model_card=model_card(settings, history, len(train_pairs), len(eval_pairs)),
    )
    tf.io.gfile.rmtree(config["checkpoints"])
