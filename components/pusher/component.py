"""The Pusher node: a blessed model goes to production."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.artifacts import ExportedFiles
from components.pusher.executor import Executor


class PusherSpec(component_spec.ComponentSpec):
    """Inputs, output and properties of Pusher."""

    PARAMETERS = {"push": component_spec.ExecutionParameter(type=str)}
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": component_spec.ChannelParameter(
            type=standard_artifacts.InfraBlessing, optional=True
        ),
        "baseline_model": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
        "exports": component_spec.ChannelParameter(type=ExportedFiles, optional=True),
    }
    OUTPUTS = {"pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel)}


class Pusher(base_component.BaseComponent):
    """Publishes a blessed model as the highest version of the push folder.

    Unlike TFX's own Pusher it never publishes half a model, and never the same model twice. It refuses a
    model that a rollback withdrew, and any model if production is not what Evaluator compared it with.

    The output `pushed_model` has TFX's custom properties and `version`. It holds a copy of the pushed model,
    if any, and `push.json`: `{"pushed", "version", "reason"}`; `version` is the one that holds this model, or
    null if the model is refused. Where kept versions were evaluated on the same test examples, it also has
    `best_kept`: `{"version", "mean_iou", "difference"}` of the best one, see best_kept.py. The evaluation is
    kept beside the pushed model, with `origin.json` (the run, its output, its examples) and, in `exports/`,
    the exported files that were accepted.

    Args:
        model: Model artifact with a SavedModel in `Format-Serving/`.
        model_blessing: Evaluator's blessing.
        infra_blessing: ServingCheck's blessing, or None.
        baseline_model: Of ProductionModel: what Evaluator compared the model with, or None.
        evaluation: Of Evaluator, or None.
        exports: Of Exporter, or None.
        push: JSON of PushSettings with a `directory`.
    """

    SPEC_CLASS = PusherSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        push: str,
        infra_blessing: types.BaseChannel | None = None,
        baseline_model: types.BaseChannel | None = None,
        evaluation: types.BaseChannel | None = None,
        exports: types.BaseChannel | None = None,
    ):
        super().__init__(
            PusherSpec(
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                baseline_model=baseline_model,
                evaluation=evaluation,
                exports=exports,
                push=push,
                pushed_model=types.Channel(type=standard_artifacts.PushedModel),
            )
        )
