"""The command of a compiled step: TFX's own, with the types of the inputs filled in.

Open-source Kubeflow hands a step its input artifacts without their types, or with types of its own, and
TFX's command then finds no class for them (https://github.com/tensorflow/tfx/issues/7768). The compiled spec,
which is among the arguments, knows them.
"""

import json
import runpy
import sys

TFX_COMMAND = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
EXECUTOR_INPUT = "--json_serialized_invocation_args"
INPUTS_SPEC = "--json_serialized_inputs_spec_args"


def with_types(arguments: list[str]) -> list[str]:
    """Returns the arguments with each input artifact's type as the inputs' spec says.

    Args:
        arguments: Among them EXECUTOR_INPUT (JSON of kfp's ExecutorInput) and INPUTS_SPEC (of its
            ComponentInputsSpec), each followed by its value.
    """
    place = arguments.index(EXECUTOR_INPUT) + 1
    executor_input = json.loads(arguments[place])
    spec = json.loads(arguments[arguments.index(INPUTS_SPEC) + 1])
    for key, listed in executor_input.get("inputs", {}).get("artifacts", {}).items():
        for artifact in listed["artifacts"]:
            artifact["type"] = spec["artifacts"][key]["artifactType"]
    return [*arguments[:place], json.dumps(executor_input), *arguments[place + 1 :]]


if __name__ == "__main__":
    sys.argv = with_types(sys.argv)
    runpy.run_module(TFX_COMMAND, run_name="__main__", alter_sys=True)
