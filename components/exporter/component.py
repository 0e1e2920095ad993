"""The Exporter node: files for other runtimes, each evaluated like the model itself."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.artifacts import ExportedFiles
from components.exporter.executor import Executor


class ExporterSpec(component_spec.ComponentSpec):
    """Inputs, output and properties of Exporter."""

    PARAMETERS = {
        "export_settings": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing),
    }
    OUTPUTS = {"exports": component_spec.ChannelParameter(type=ExportedFiles)}


class Exporter(base_component.BaseComponent):
    """Exports a blessed model to other runtimes, and evaluates each file on the model's own test examples.

    A file is refused if it loses too much mean IoU, over all examples or on one slice; the run goes on. The
    output `exports` holds the accepted files, the scripts that run them, and `exports.json`. It is empty if
    Evaluator or ServingCheck refused the model.

    Args:
        examples: Raw examples with the splits `train` and `test`.
        model: Model artifact with a SavedModel in `Format-Serving/`.
        model_blessing: Evaluator's blessing.
        infra_blessing: ServingCheck's blessing.
        export: JSON of ExporterSettings.
        code: Hash of the component's source, so that changed code invalidates the cache.
    """

    SPEC_CLASS = ExporterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        model: types.BaseChannel,
        model_blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        export: str,
        code: str,
    ):
        super().__init__(
            ExporterSpec(
                examples=examples,
                model=model,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                export_settings=export,
                code=code,
                exports=types.Channel(type=ExportedFiles),
            )
        )
