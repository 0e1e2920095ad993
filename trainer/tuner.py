"""The Tuner node's `tuner_fn`: from settings and transformed examples to a KerasTuner search."""

import os
from typing import Any

import keras
import keras_tuner
import tensorflow as tf
from tfx.v1.components import TunerFnResult

from petseg.errors import UserError
from trainer.data.examples import load_examples
from trainer.settings import TrainingSettings
from trainer.told_cache import with_told_cache
from trainer.training.callbacks import logger
from trainer.training.distribution import make_strategy
from trainer.training.fit import fit
from trainer.training.unfinished.identity import training_identity
from trainer.training.unfinished.sweeping import register
from trainer.tuner_settings import SearchedValues, TunerSettings

OBJECTIVE = "mean_iou"


def tuner_fn(fn_args: Any) -> TunerFnResult:
    """Makes the search that TFX's Tuner runs.

    Args:
        fn_args: TFX's `FnArgs`. Its `custom_config` has `training` and `tuner` (JSON of TrainingSettings and
            TunerSettings), `code` (hash of the trainer's source) and `checkpoints` (folder of unfinished
            trainings).
    """
    config = fn_args.custom_config
    training = with_told_cache(TrainingSettings.model_validate_json(config["training"]))
    examples = [*fn_args.train_files, *fn_args.eval_files]
    identity = training_identity(training, examples, config["code"] + config["tuner"])
    directory = os.path.join(config["checkpoints"], f"tuner-{identity}")
    register(directory, examples)
    tuner = SegmentationTuner(
        training, TunerSettings.model_validate_json(config["tuner"]), fn_args, directory
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={"verbose": 0})


class SegmentationTuner(keras_tuner.Tuner):
    """Random search (Bergstra and Bengio 2012) in which each trial is a short training.

    A killed search resumes: KerasTuner keeps the results of finished trials, and the unfinished trial resumes
    from its checkpoints.

    Args:
        settings: Settings of the training, except for the searched ones.
        tuner: Settings of the search.
        fn_args: TFX's `FnArgs`, with the paths of the examples.
        directory: Folder of this search alone, removed when it is done.
    """

    def __init__(self, settings: TrainingSettings, tuner: TunerSettings, fn_args: Any, directory: str):
        self._settings = settings.with_values({"trainer.epochs": tuner.trial_epochs})
        self._directory = directory
        self._transform_output = fn_args.transform_output or fn_args.transform_graph_path
        self._strategy = make_strategy(settings.trainer.distribution)
        self._train_pairs, self._eval_pairs = load_examples(
            fn_args.train_files,
            fn_args.eval_files,
            settings,
            self._strategy,
            os.path.join(directory, "checkpoints", "*"),
            keep_all=any(name == "trainer.batch_size" for name in tuner.search),
        )
        oracle = keras_tuner.oracles.RandomSearchOracle(
            objective=keras_tuner.Objective(OBJECTIVE, "max"),
            max_trials=tuner.trials,
            seed=settings.trainer.seed,
            hyperparameters=_space(tuner.search),
            # A trial whose loss diverged is a result too, not a reason to stop.
            max_consecutive_failed_trials=tuner.trials + 1,
        )
        super().__init__(oracle=oracle, directory=directory, project_name="search")

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        """Trains once with the values of the trial; returns the best mean IoU on eval."""
        values = trial.hyperparameters.values
        described = ", ".join(f"{key} {value}" for key, value in values.items())
        logger.info("trial %d of %d: %s", int(trial.trial_id) + 1, self.oracle.max_trials, described)
        _, history = fit(
            self._settings.with_values(values),
            self._train_pairs,
            self._eval_pairs,
            transform_output=self._transform_output,
            checkpoints=os.path.join(self._directory, "checkpoints", trial.trial_id),
            strategy=self._strategy,
        )
        keras.utils.clear_session()
        return {OBJECTIVE: max(record["mean_iou"] for record in history)}

    def search(self, *args: Any, **kwargs: Any) -> None:
        """Runs all trials and removes their files.

        Raises:
            UserError: No trial finished.
        """
        super().search(*args, **kwargs)
        (best,) = self.oracle.get_best_trials()
        if best.status != "COMPLETED":
            reason = best.message.strip().splitlines()[-1]
            raise UserError(f"tuner: no trial finished; the first failed with: {reason}")
        tf.io.gfile.rmtree(self._directory)

    def results_summary(self, num_trials: int = 10) -> None:
        """Prints the best trials. This creates KerasTuner's folder again, so it is removed again."""
        super().results_summary(num_trials)
        tf.io.gfile.rmtree(self._directory)


def _space(search: dict[str, SearchedValues]) -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    for key, searched in search.items():
        if searched.values is not None:
            space.Choice(key, list(searched.values))
        else:
            sampling = "log" if searched.log else "linear"
            space.Float(key, searched.min, searched.max, sampling=sampling)
    return space
