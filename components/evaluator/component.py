"""The Evaluator node: is this model good enough?"""

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.evaluator.executor import Executor


class EvaluatorSpec(component_spec.ComponentSpec):
    """Inputs, outputs and properties of Evaluator."""

    PARAMETERS = {
        "evaluation_settings": component_spec.ExecutionParameter(type=str),
        "known_counts": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "baseline_model": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
    }
    OUTPUTS = {
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """Runs the `evaluate` signature of a model on the raw examples, beside that of the model in production.

    A model is blessed if its mean IoU at model resolution over all photos of the split reaches the floor and
    is at most `max_regression` below that of the baseline, and if it meets all thresholds. The output
    `evaluation` has TFMA's files (all metrics on all slices; `tfma.load_eval_result` reads them),
    `photos.parquet` (one row for each photo) and `evaluation.json` (metrics and verdict). The output
    `blessing` is what TFX's Evaluator writes.

    Args:
        examples: Raw examples (DESIGN.md) with the evaluated split.
        model: Model artifact with a SavedModel in `Format-Serving/`.
        evaluation: JSON of EvaluatorSettings.
        code: Hash of the component's source, so that changed code invalidates the cache.
        baseline_model: Model artifact of the model in production; an empty one counts as none.
        known_counts: Folder that keeps the counts of the models evaluated last. The model in production was
            the candidate once, so that it need not run again on the same photos. Empty: none are kept.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        evaluation: str,
        code: str,
        baseline_model: types.BaseChannel | None = None,
        known_counts: str = "",
    ):
        super().__init__(
            EvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                evaluation_settings=evaluation,
                known_counts=known_counts,
                code=code,
                evaluation=types.Channel(type=standard_artifacts.ModelEvaluation),
                blessing=types.Channel(type=standard_artifacts.ModelBlessing),
            )
        )
