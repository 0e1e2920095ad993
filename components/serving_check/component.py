"""The ServingCheck node: can this exported model be served?"""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.serving_check.executor import Executor


class ServingCheckSpec(component_spec.ComponentSpec):
    """Inputs, outputs and properties of ServingCheck."""

    PARAMETERS = {
        "serving_check": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples, optional=True),
    }
    OUTPUTS = {"blessing": component_spec.ChannelParameter(type=standard_artifacts.InfraBlessing)}


class ServingCheck(base_component.BaseComponent):
    """Sends the SavedModel the requests of a client, in a process that has TensorFlow but not this project.

    Needs no driver and no container engine, so it works on every runner. The output `blessing` is what
    TFX's InfraValidator writes, so that Pusher accepts either. Beside it is `serving_check.json`:
    `{"passed", "reason", "checks": [{"name", "passed", "detail"}], "load_seconds", "p50_seconds",
    "p99_seconds", "latency": {"metric", "seconds", "requests", "tries"}, "peak_memory_mb"}`; measurements are
    null if the model failed before they were taken. `latency` is what is compared with the limit: the p99, or
    the median of fewer than 100 requests, in the better of two tries if the first is above the limit.

    Args:
        model: Model artifact with a SavedModel in `Format-Serving/`.
        examples: Raw examples, of which one photo is sent.
        serving_check: JSON of ServingCheckSettings.
        code: Hash of the component's source, so that changed code invalidates the cache.
    """

    SPEC_CLASS = ServingCheckSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self, model: types.Channel, serving_check: str, code: str, examples: types.Channel | None = None
    ):
        blessing = types.Channel(type=standard_artifacts.InfraBlessing)
        super().__init__(
            ServingCheckSpec(
                model=model, examples=examples, serving_check=serving_check, code=code, blessing=blessing
            )
        )
