"""Puts TFX's executor for `run_fn` to work on our inputs."""

import hashlib
import json
import os
from typing import Any

from tfx import types
from tfx.components.trainer.executor import GenericExecutor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils

RUN_FN = "components.model_trainer.process.run_fn"


class Executor(GenericExecutor):
    """TFX's executor, with what our run_fn needs besides: statistics and a place for checkpoints."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains; see the component for inputs, outputs and properties."""
        inputs = _without_empty_base_model(input_dict)
        custom_config = {
            "training": exec_properties["training"],
            "code": exec_properties["code"],
            "statistics": artifact_utils.get_single_uri(inputs["statistics"]),
            "checkpoints": os.path.join(
                exec_properties["checkpoints"], training_identity(inputs, exec_properties)
            ),
        }
        super().Do(
            inputs,
            output_dict,
            {
                standard_component_specs.TRAIN_ARGS_KEY: "{}",
                standard_component_specs.EVAL_ARGS_KEY: "{}",
                standard_component_specs.RUN_FN_KEY: RUN_FN,
                standard_component_specs.CUSTOM_CONFIG_KEY: json_utils.dumps(custom_config),
            },
        )


def training_identity(input_dict: dict[str, list[types.Artifact]], exec_properties: dict[str, Any]) -> str:
    """Names a training by all that its weights depend on, so that only the very same one is gone on with.

    Artifacts go in by uri: those of the nodes before are reused, uri and all, when a killed run starts again.

    Returns:
        A SHA-256 in hex.
    """
    uris = {
        key: [artifact.uri for artifact in artifacts]
        for key, artifacts in input_dict.items()
        if key in ("examples", "transform_graph", "base_model", "hyperparameters")
    }
    properties = [exec_properties[key] for key in ("training", "code", "warm_start")]
    content = json.dumps([properties, uris], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _without_empty_base_model(
    input_dict: dict[str, list[types.Artifact]],
) -> dict[str, list[types.Artifact]]:
    """Drops the base model where its artifact holds none, as before the first push."""
    models = input_dict.get(standard_component_specs.BASE_MODEL_KEY, [])
    if models and not fileio.exists(os.path.join(models[0].uri, "Format-Serving")):
        return {k: v for k, v in input_dict.items() if k != standard_component_specs.BASE_MODEL_KEY}
    return input_dict
