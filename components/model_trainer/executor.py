"""Calls TFX's executor for `run_fn` with our inputs."""

import os
from typing import Any

from tfx import types
from tfx.components.trainer.executor import GenericExecutor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import json_utils

from petseg.saved_model import SERVING_FOLDER

RUN_FN = "components.model_trainer.process.run_fn"


class Executor(GenericExecutor):
    """TFX's executor, with what our run_fn needs besides: statistics and a folder for checkpoints."""

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
            "warm_start": exec_properties["warm_start"],
            "statistics": artifact_utils.get_single_uri(inputs["statistics"]),
            "checkpoints": exec_properties["checkpoints"],
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


def _without_empty_base_model(
    input_dict: dict[str, list[types.Artifact]],
) -> dict[str, list[types.Artifact]]:
    """Drops the base model where its artifact holds none, as before the first push."""
    models = input_dict.get(standard_component_specs.BASE_MODEL_KEY, [])
    if models and not fileio.exists(os.path.join(models[0].uri, SERVING_FOLDER)):
        return {k: v for k, v in input_dict.items() if k != standard_component_specs.BASE_MODEL_KEY}
    return input_dict
