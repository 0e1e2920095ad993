"""The command of a compiled step: TFX's command between what the cluster gives and what it takes.

A step works on local copies of artifacts: on open-source Kubeflow on the launcher's, on Vertex on its own.
"""

import argparse
import json
import logging
import os
import runpy
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from petseg.files.originals import set_originals, with_originals
from pipeline.runners.kubeflow.executor_input import IN_PLACE, JsonObject, for_tfx
from pipeline.runners.kubeflow.executor_output import for_cluster
from pipeline.runners.kubeflow.last_line import STOPPED_STATUS, run_to_the_last_line
from pipeline.runners.kubeflow.local_copies import local_path, use_local_copies
from pipeline.runners.kubeflow.own_copies import download_inputs, own_path, upload_outputs
from pipeline.runners.kubeflow.web_outputs import is_report, report_verdict, web_outputs

TFX_COMMAND = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
EXECUTOR_INPUT = "--json_serialized_invocation_args"
INPUTS_SPEC = "--json_serialized_inputs_spec_args"

OPEN_SOURCE = "KFP_POD_NAME"
"""Environment variable that open-source Kubeflow sets (argocompiler/common.go), and Vertex does not."""

VERDICT = "verdict"
"""Output parameter of the nodes that can refuse a model."""


def main(words: list[str]) -> int:
    """Runs a step and prints how it ended; returns its exit status.

    Args:
        words: Options of this command, then those of TFX's command.
    """
    parser = argparse.ArgumentParser(prog="step", allow_abbrev=False)
    parser.add_argument("--node", required=True, help="name of the node, for the last line")
    # A cluster's cache compares commands: these two make it tell apart what it could not.
    parser.add_argument("--root", help="pipeline root that the file was compiled for")
    parser.add_argument("--code", help="hash of this command's source")
    parser.add_argument(IN_PLACE, action="store_true", help="work on the artifacts, not on copies")
    options, arguments = parser.parse_known_args(words)
    return run_to_the_last_line(options.node, partial(run_step, arguments, in_place=options.in_place))


def run_step(arguments: list[str], *, in_place: bool) -> str:
    """Runs a node by TFX's command.

    Args:
        arguments: Of TFX's command, among them EXECUTOR_INPUT (JSON of kfp's ExecutorInput) and INPUTS_SPEC
        (of
            its ComponentInputsSpec), each followed by its value.
        in_place: On Vertex: whether to work on the artifacts themselves, not on copies.

    Returns:
        The node's verdict or, of a node that has none, its last message.

    Raises:
        Exception: What the node raised.
    """
    index = arguments.index(EXECUTOR_INPUT) + 1
    given = json.loads(arguments[index])
    known = for_tfx(given, json.loads(arguments[arguments.index(INPUTS_SPEC) + 1]))
    on_kubeflow = OPEN_SOURCE in os.environ
    path_of = local_path if on_kubeflow else own_path
    makes_copies = not (on_kubeflow or in_place)
    if makes_copies:
        download_inputs(known)
    if not in_place:
        set_originals(use_local_copies(known, path_of))
    messages = _LastMessage()
    logger = logging.getLogger("petseg")
    logger.setLevel(logging.INFO)
    logger.addHandler(messages)
    _run_tfx([*arguments[:index], json.dumps(known), *arguments[index + 1 :]])
    verdict = report_verdict(known["outputs"]) if is_report(known["outputs"]) else messages.last
    _rewrite_output(given, known, verdict, path_of, keep_uris=not on_kubeflow)
    if makes_copies:
        upload_outputs(given["outputs"])
    return verdict


class _LastMessage(logging.Handler):
    """Keeps the last message of this project's own loggers."""

    last = "done"

    def emit(self, record: logging.LogRecord) -> None:
        self.last = with_originals(record.getMessage())


def _run_tfx(arguments: list[str]) -> None:
    sys.argv = [TFX_COMMAND, *arguments]
    try:
        # Not alter_sys: processes that the node starts would import TFX as their main module.
        runpy.run_module(TFX_COMMAND, run_name="__main__")
    except SystemExit as ended:
        # absl ends every command so.
        if ended.code:
            raise RuntimeError(f"TFX's command ended with {ended.code}") from None


def _rewrite_output(
    given: JsonObject,
    known: JsonObject,
    verdict: str,
    path_of: Callable[[JsonObject], str],
    *,
    keep_uris: bool,
) -> None:
    """Replaces TFX's output file by what the cluster can take, with the outputs that TFX does not know."""
    from tfx.dsl.io import fileio

    outputs = given["outputs"]
    with fileio.open(outputs["outputFile"]) as file:
        executor_output: dict[str, Any] = json.loads(file.read())
    output = for_cluster(executor_output, given, keep_uris=keep_uris)
    if is_report(known["outputs"]):
        output["artifacts"] |= web_outputs(outputs, known["outputs"], path_of)
    if VERDICT in outputs.get("parameters", {}):
        output["parameterValues"] = {VERDICT: verdict}
    with fileio.open(outputs["outputFile"], "w") as file:
        file.write(json.dumps(output))


if __name__ == "__main__":
    exit_status = main(sys.argv[1:])
    if exit_status == STOPPED_STATUS:
        # Threads of a node that was interrupted would be waited for.
        os._exit(exit_status)
    sys.exit(exit_status)
