"""The command of a compiled step: TFX's command with the types of the inputs filled in.

Open-source Kubeflow passes input artifacts to a step without their types, or with types of its own. TFX's
command then finds no class for them (https://github.com/tensorflow/tfx/issues/7768). The types are in the
compiled spec, which is among the arguments.
"""

import json
import runpy
import sys

TFX_COMMAND = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
EXECUTOR_INPUT = "--json_serialized_invocation_args"
INPUTS_SPEC = "--json_serialized_inputs_spec_args"


def with_types(arguments: list[str]) -> list[str]:
    """Returns the arguments with the type of each input artifact, as in the spec of the inputs.

    Args:
        arguments: Among them EXECUTOR_INPUT (JSON of kfp's ExecutorInput) and INPUTS_SPEC (of its
            ComponentInputsSpec), each followed by its value.
    """
    index = arguments.index(EXECUTOR_INPUT) + 1
    executor_input = json.loads(arguments[index])
    spec = json.loads(arguments[arguments.index(INPUTS_SPEC) + 1])
    for key, listed in executor_input.get("inputs", {}).get("artifacts", {}).items():
        for artifact in listed["artifacts"]:
            artifact["type"] = spec["artifacts"][key]["artifactType"]
    return [*arguments[:index], json.dumps(executor_input), *arguments[index + 1 :]]


if __name__ == "__main__":
    sys.argv = with_types(sys.argv)
    runpy.run_module(TFX_COMMAND, run_name="__main__", alter_sys=True)
