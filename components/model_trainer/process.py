"""Trains in a child process, so that all memory is free when training ends.

TensorFlow never frees its oneDNN and GPU pools: a gigabyte would stay allocated while later nodes run.
"""

import logging
import logging.handlers
import multiprocessing
import os
import pickle
import signal
import traceback
from multiprocessing.connection import Connection
from typing import Any

from petseg.parent import end_with_parent
from trainer.settings import TrainingSettings
from trainer.told_cache import with_told_cache
from trainer.training.training_paths import TrainingPaths

LOGGER = "petseg"


def run_fn(fn_args: Any) -> None:
    """Calls `trainer.run.run` in a child process; what it logs and raises is passed on to this process.

    Args:
        fn_args: TFX's FnArgs. Its `custom_config` has the node's properties `training`, `code`, `warm_start`
            and `checkpoints`, and `statistics` (uri of the StatisticsGen artifact). The child never sees it:
            to unpickle it is to import all of TFX.

    Raises:
        Exception: What the child raised.
        RuntimeError: The child died.
    """
    config = fn_args.custom_config
    settings = TrainingSettings.model_validate_json(config["training"])
    if fn_args.hyperparameters:
        settings = settings.with_values(fn_args.hyperparameters["values"])
    settings = with_told_cache(settings)
    checkpoints = _begin(fn_args, settings)
    paths = TrainingPaths(
        train=fn_args.train_files,
        evaluation=fn_args.eval_files,
        transform_graph=fn_args.transform_output,
        statistics=config["statistics"],
        checkpoints=checkpoints,
        model=fn_args.serving_model_dir,
        model_run=fn_args.model_run_dir,
        base_model=fn_args.base_model,
    )
    context = multiprocessing.get_context("spawn")
    records: Any = context.Queue()
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_train, args=(settings, paths, records, sender))
    listener = logging.handlers.QueueListener(records, _Relay())
    listener.start()
    try:
        child.start()
        sender.close()
        error = _result(receiver)
        child.join()
    finally:
        # An interrupt of this process, too, must not leave a trainer behind.
        if child.is_alive():
            child.kill()
            child.join()
        listener.stop()
    if child.exitcode:
        raise RuntimeError(
            f"the training process died with exit code {child.exitcode}"
            + ("; the system may be out of memory" if child.exitcode == -signal.SIGKILL else "")
        )
    if error is not None:
        raise error


def _begin(fn_args: Any, settings: TrainingSettings) -> str:
    """Returns the folder of this training's checkpoints, and sweeps those of others."""
    # Not at the top: the child imports this module, and must not wait for TensorFlow before it can die.
    from trainer.training.unfinished.identity import training_identity
    from trainer.training.unfinished.sweeping import register, sweep

    config = fn_args.custom_config
    examples = [*fn_args.train_files, *fn_args.eval_files]
    identity = training_identity(
        settings,
        examples,
        config["code"],
        warm_start=config["warm_start"],
        base_model=fn_args.base_model,
    )
    folder = os.path.join(config["checkpoints"], identity)
    sweep(config["checkpoints"], resumed=folder)
    register(folder, examples)
    return folder


class _Relay(logging.Handler):
    """Passes a log record of the child to the logger of the same name in this process."""

    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger(record.name).handle(record)


def _train(settings: TrainingSettings, paths: TrainingPaths, records: Any, sender: Connection) -> None:
    """The child: dies with its parent, because the next run uses the same checkpoints."""
    end_with_parent()
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.handlers.QueueHandler(records))
    try:
        from trainer.run import run

        run(settings, paths)
        sender.send(None)
    except Exception as error:
        traceback.print_exc()
        sender.send(_sendable(error))


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # a library's own exception may raise anything when it is copied
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _result(receiver: Connection) -> Exception | None:
    try:
        return receiver.recv()
    except EOFError:
        return None
