"""The Trainer node: from transformed examples to a SavedModel."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.model_trainer.executor import Executor


class TrainerSpec(component_spec.ComponentSpec):
    """Inputs, outputs and properties of Trainer."""

    PARAMETERS = {
        "training": component_spec.ExecutionParameter(type=str),
        "checkpoints": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
        "warm_start": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": component_spec.ChannelParameter(type=standard_artifacts.TransformGraph),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "base_model": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
        "hyperparameters": component_spec.ChannelParameter(
            type=standard_artifacts.HyperParameters, optional=True
        ),
    }
    OUTPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_run": component_spec.ChannelParameter(type=standard_artifacts.ModelRun),
    }


class Trainer(base_component.BaseComponent):
    """Calls `trainer.run.run`.

    TFX's own Trainer has no input for statistics, which the SavedModel carries for the drift check, and it
    takes an empty base model for a model.

    Args:
        examples: Transformed examples with the splits train and eval.
        transform_graph: Transform's graph, from which the classes' pixel shares are read.
        schema: Schema of the raw examples.
        statistics: Statistics of the raw examples.
        training: JSON of TrainingSettings.
        checkpoints: Folder of the checkpoints of all unfinished trainings, outside artifacts: an artifact's
            folder has the execution's number in its path and is removed when the node fails.
        code: Hash of the trainer's source, so that a change of code trains again.
        warm_start: Digest of the folder that `trainer.warm_start` names, so that a changed one is noticed.
        base_model: Where training starts from; an artifact without a model counts as none.
        hyperparameters: A tuner's best values, laid over the settings.
    """

    SPEC_CLASS = TrainerSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        transform_graph: types.BaseChannel,
        schema: types.BaseChannel,
        statistics: types.BaseChannel,
        training: str,
        checkpoints: str,
        code: str,
        warm_start: str = "",
        base_model: types.BaseChannel | None = None,
        hyperparameters: types.BaseChannel | None = None,
    ):
        super().__init__(
            TrainerSpec(
                examples=examples,
                transform_graph=transform_graph,
                schema=schema,
                statistics=statistics,
                training=training,
                checkpoints=checkpoints,
                code=code,
                warm_start=warm_start,
                base_model=base_model,
                hyperparameters=hyperparameters,
                model=types.Channel(type=standard_artifacts.Model),
                model_run=types.Channel(type=standard_artifacts.ModelRun),
            )
        )
