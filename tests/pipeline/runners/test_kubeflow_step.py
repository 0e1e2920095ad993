import json

from pipeline.runners.kubeflow.step import EXECUTOR_INPUT, INPUTS_SPEC, with_types

EXAMPLES = {"instanceSchema": "title: tfx.Examples\n"}


def step(inputs: dict) -> list[str]:
    spec = {"artifacts": {"examples": {"artifactType": EXAMPLES}}}
    executor_input = {"inputs": inputs, "outputs": {"outputFile": "/tmp/out.json"}}
    return ["step", EXECUTOR_INPUT, json.dumps(executor_input), INPUTS_SPEC, json.dumps(spec), "--runner=x"]


def test_inputs_get_the_types_of_the_spec_and_nothing_else_changes():
    untyped = {"name": "7", "uri": "gs://b/examples", "metadata": {"split_names": "[]"}}
    foreign = {**untyped, "type": {"schemaTitle": "system.Artifact"}}
    before = step({"artifacts": {"examples": {"artifacts": [untyped, foreign]}}})
    after = with_types(before)
    assert [word for place, word in enumerate(after) if place != 2] == [
        word for place, word in enumerate(before) if place != 2
    ]
    changed = json.loads(after[2])
    typed = {**untyped, "type": EXAMPLES}
    assert changed["inputs"]["artifacts"]["examples"]["artifacts"] == [typed, typed]
    assert changed["outputs"] == {"outputFile": "/tmp/out.json"}


def test_a_step_without_inputs_is_left_alone():
    before = step({"parameterValues": {"directory": "/d"}})
    assert json.loads(with_types(before)[2]) == json.loads(before[2])
