"""The runs in a metadata store, whether or not their folders still exist."""

import json
from pathlib import Path
from typing import Any

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from petseg.errors import UserError
from pipeline.cleaning.plan import SUCCEEDED
from pipeline.runners.local.metadata.store import open_store
from pipeline.runs.run_folder import (
    PUSH_FILE,
    SETTINGS_FILE,
    RunFolder,
    flattened,
    read_file,
    read_metrics,
)


def stored_runs(store_name: str) -> list[RunFolder]:
    """All runs in a store of ML Metadata, oldest first.

    Artifacts are read from their URIs in ML Metadata. A run without a report is listed as stopped, with the
    node that failed.

    Args:
        store_name: An SQLite file, or `env:NAME` for the server whose URL is in that variable.

    Raises:
        UserError: There is no such store, or it has no run.
    """
    store = open_store(store_name)
    # By number, not by name, which is the time: a clock may go back.
    contexts = sorted(store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)
    if not contexts:
        raise UserError(f"--metadata {store_name}: no run in it")
    return [_run(store, context) for context in contexts]


def _run(store: MetadataStore, context: mlmd.Context) -> RunFolder:
    executions = store.get_executions_by_context(context.id)
    # The type of an execution is its component's class.
    by_node = {execution.type.rsplit(".", 1)[-1]: execution for execution in executions}
    report = _output(store, by_node.get("RunReport"))
    pushed = _output(store, by_node.get("Pusher"))
    metrics = read_metrics(report) if report else None
    return RunFolder(
        run_id=context.name,
        path=report or Path(),
        metrics=metrics or _stopped(by_node),
        settings=flattened(read_file(report / SETTINGS_FILE) or {}) if report else {},
        push=read_file(pushed / PUSH_FILE) if pushed else None,
        push_directory=_push_directory(by_node.get("Pusher")),
    )


def _push_directory(pusher: mlmd.Execution | None) -> str | None:
    return json.loads(pusher.custom_properties["push"].string_value)["directory"] if pusher else None


def _output(store: MetadataStore, execution: mlmd.Execution | None) -> Path | None:
    """Folder of the only output of RunReport or Pusher; None if the node did not run."""
    if execution is None:
        return None
    events = store.get_events_by_execution_ids([execution.id])
    made = [event.artifact_id for event in events if event.type == mlmd.Event.OUTPUT]
    artifacts = store.get_artifacts_by_id(made)
    return Path(artifacts[0].uri) if artifacts else None


def _stopped(by_node: dict[str, mlmd.Execution]) -> dict[str, Any]:
    """Metrics of a run that has no report."""
    failed = [node for node, one in by_node.items() if one.last_known_state == mlmd.Execution.FAILED]
    return {
        "model": None,
        "native": None,
        "settings_sha256": "",
        "blessed": False,
        "reason": f"{failed[0]} failed" if failed else _without_report(by_node),
    }


def _without_report(by_node: dict[str, mlmd.Execution]) -> str:
    reported = "RunReport" in by_node and by_node["RunReport"].last_known_state in SUCCEEDED
    return "its report was removed" if reported else "no report: still running, or killed"
