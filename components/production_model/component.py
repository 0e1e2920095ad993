"""The ProductionModel node: the model in production."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.production_model.executor import Executor


class ProductionModelSpec(component_spec.ComponentSpec):
    """Output and properties of ProductionModel."""

    PARAMETERS = {
        "directory": component_spec.ExecutionParameter(type=str),
        "version": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {"model": component_spec.ChannelParameter(type=standard_artifacts.Model)}


class ProductionModel(base_component.BaseComponent):
    """Brings the model in production into the DAG, as baseline and for a warm start.

    It replaces a resolver node, which open-source Kubeflow cannot run. The output `model` holds a copy
    in `Format-Serving/` and the custom property `version`; before the first push it is empty, `none`.

    Args:
        directory: Folder of pushed versions.
        version: The version in production when the run started, so that the node runs again when another was
            pushed; `none` before the first push; `latest`: looked up when the node runs.
    """

    SPEC_CLASS = ProductionModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, directory: str, version: str):
        model = types.Channel(type=standard_artifacts.Model)
        super().__init__(ProductionModelSpec(directory=directory, version=version, model=model))
