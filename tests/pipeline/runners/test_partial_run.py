import pytest
from tfx.proto.orchestration import pipeline_pb2

from petseg.errors import UserError
from pipeline.runners.local.partial_run import PartialRun

DAG = {
    "SegmentationExampleGen": [],
    "ProductionModel": [],
    "DatasetGate": ["SegmentationExampleGen", "ProductionModel"],
    "Transform": ["SegmentationExampleGen", "DatasetGate"],
    "Trainer": ["Transform"],
    "Evaluator": ["SegmentationExampleGen", "Trainer", "ProductionModel"],
    "ServingCheck": ["Trainer"],
    "Pusher": ["Trainer", "Evaluator", "ServingCheck"],
}


@pytest.fixture
def part():
    ir = pipeline_pb2.Pipeline()
    for name, before in DAG.items():
        node = ir.nodes.add().pipeline_node
        node.node_info.id = name
        node.upstream_nodes.extend(before)
    return lambda from_node, to_node: PartialRun(ir, from_node, to_node)


def nodes(predicate) -> set[str]:
    return {node for node in DAG if predicate(node)}


def test_a_whole_run_wants_all_nodes_and_keeps_none(part):
    whole = part(None, None)
    assert nodes(whole.is_wanted) == set(DAG)
    assert nodes(whole.must_have_results) == set()


def test_nodes_before_the_first_one_must_have_results_but_for_those_that_look_outside(part):
    late = part("Evaluator", None)
    assert nodes(late.is_wanted) == set(DAG)
    assert nodes(late.must_have_results) == {"SegmentationExampleGen", "Transform", "Trainer"}


def test_nodes_that_the_last_one_does_not_need_are_skipped(part):
    early = part(None, "Trainer")
    assert nodes(early.is_wanted) == set(DAG) - {"Evaluator", "ServingCheck", "Pusher"}
    assert nodes(part("Trainer", "Evaluator").is_wanted) == set(DAG) - {"ServingCheck", "Pusher"}


@pytest.mark.parametrize(("first", "last"), [("Trainer", "Transform"), ("ServingCheck", "Evaluator")])
def test_a_last_node_that_does_not_come_after_the_first_is_refused(part, first, last):
    with pytest.raises(UserError, match=f"--from {first} --to {last}"):
        part(first, last)


def test_the_refusal_says_what_changed_and_what_to_run(part):
    refusal = str(part("Evaluator", None).refusal("Trainer", "changed: trainer.epochs"))
    assert "changed: trainer.epochs" in refusal
    assert "--from Trainer" in refusal
