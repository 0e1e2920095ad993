"""Names of the DAG's nodes, so that they can be checked before TFX is imported."""

import difflib
import re
from collections.abc import Mapping

from petseg.errors import UserError

OPTIONAL_NODES = ("Tuner", "Exporter")

ALL_NODES = (
    "SegmentationExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "ProductionModel",
    "DatasetGate",
    "Transform",
    "Tuner",
    "Trainer",
    "Evaluator",
    "ServingCheck",
    "Exporter",
    "Pusher",
    "RunReport",
)
"""In the order in which they run."""

NODES = tuple(name for name in ALL_NODES if name not in OPTIONAL_NODES)
"""Nodes of every run. A run with `evaluation.split: eval` has no Pusher."""


def check_part(from_node: str | None, to_node: str | None, absent: Mapping[str, str]) -> None:
    """Checks the nodes that `--from` and `--to` name; None where they are not given.

    Args:
        from_node: First node to run.
        to_node: Last node to run.
        absent: Nodes that this run does not have, each with the setting that would give it one.

    Raises:
        UserError: There is no such node, this run does not have it, or `to_node` runs before `from_node`.
    """
    for flag, node in (("--from", from_node), ("--to", to_node)):
        check_node(flag, node)
        if node is not None and node in absent:
            raise UserError(f"{flag} {node}: this run has no {node}; set {absent[node]}")
    if from_node and to_node and ALL_NODES.index(to_node) < ALL_NODES.index(from_node):
        raise UserError(
            f"--from {from_node} --to {to_node}: {to_node} runs before {from_node}; exchange the two, or "
            "leave one out"
        )


def check_node(flag: str, node: str | None) -> None:
    """Checks the name of a node that was given on the command line.

    Raises:
        UserError: There is no such node.
    """
    if node is None or node in ALL_NODES:
        return
    by_lower = {name.lower(): name for name in ALL_NODES}
    near = difflib.get_close_matches(str(node).lower(), by_lower, n=1, cutoff=0.5)
    hint = f"did you mean {by_lower[near[0]]}?" if near else f"the nodes are {', '.join(ALL_NODES)}"
    raise UserError(f"{flag} {node}: there is no such node; {hint}")


def task_name(node: str) -> str:
    """The name of a node's task on a cluster: `SegmentationExampleGen` is `segmentation-example-gen`.

    Kubeflow 2.4 and 2.5 name pods after tasks that are retried, and Kubernetes allows no capitals there.
    """
    return re.sub(r"(?<!^)(?=[A-Z])", "-", node).lower()
