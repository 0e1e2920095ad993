"""Runs the DAG in this process, node after node."""

from pathlib import Path
from typing import Any

from tfx.dsl.compiler import compiler, constants
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from components.example_gen.fingerprint import fingerprint
from petseg.errors import UserError
from petseg.versions import list_versions, production_version
from pipeline.paths import Observed, Paths, push_directory
from pipeline.pipeline import create_pipeline
from pipeline.runners.local.last_release import move_to_work
from pipeline.runners.local.launcher import NodeLauncher
from pipeline.runners.local.metadata.ordered import OrderedMetadata
from pipeline.runners.local.metadata.store import server_config, sqlite_config
from pipeline.runners.local.metadata.unknown_artifacts import check_all_known
from pipeline.runners.local.partial_run import PartialRun
from pipeline.runners.local.pinned_files import pin_files
from pipeline.runners.local.reuse import SUCCEEDED, output_uri, output_uris, why_it_runs
from pipeline.runs.lineage import Lineage, trace
from pipeline.runs.memory import release_free_memory
from pipeline.runs.progress import RunProgress
from pipeline.runs.run_folder import PUSH_FILE, read_file
from pipeline.settings import PipelineSettings
from trainer.told_cache import tell_cache
from trainer.training.unfinished.sweeping import sweep


class LocalRunner:
    """One run of the DAG on this machine.

    Attributes:
        node_ids: All nodes in the order in which they run.
        push_directory: Folder of the pushed versions.
        executions: Execution id of each node that ran or was reused so far.
    """

    def __init__(self, settings: PipelineSettings, output: Path, run_id: str, *, enable_cache: bool):
        """Wires and compiles the pipeline; nothing runs yet.

        Raises:
            UserError: The data or the schema is not there.
        """
        root = self._root = output.resolve()
        self._beam = settings.beam
        self.push_directory = settings.push.directory or push_directory(root)
        variable = settings.metadata.url_variable
        self._connection = server_config(variable) if variable else sqlite_config(root / "metadata.db")
        self._metadata_location = (
            f"the database in environment variable {variable}" if variable else str(root / "metadata.db")
        )
        self._paths = Paths(str(root / "pipeline_root"), self.push_directory, str(root / "work"))
        pinned = pin_files(settings, Path(self._paths.work))
        observed = Observed(
            run_id=run_id,
            fingerprint=fingerprint(settings.data),
            production_version=production_version(self.push_directory),
            encoder_weights=pinned.encoder_weights,
            warm_start_folder=pinned.warm_start,
            warm_start=pinned.warm_start_digest,
            trainer_cache=tell_cache(settings.trainer).cache,
        )
        dag = create_pipeline(
            settings,
            self._paths,
            observed,
            enable_cache=enable_cache,
            beam_pipeline_args=settings.beam.pipeline_args,
        )
        self._ir: pipeline_pb2.Pipeline = compiler.Compiler().compile(dag)
        runtime_parameter_utils.substitute_runtime_parameter(
            self._ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        self._deployment = runner_utils.extract_local_deployment_config(self._ir)
        self.node_ids = [node.pipeline_node.node_info.id for node in self._ir.nodes]
        self.executions: dict[str, int] = {}
        self._part = PartialRun(self._ir, None, None)

    def limit(self, from_node: str | None, to_node: str | None) -> None:
        """Makes the run a partial one.

        Raises:
            UserError: `to_node` does not come after `from_node`.
        """
        self._part = PartialRun(self._ir, from_node, to_node)

    def run(self, progress: RunProgress) -> None:
        """Runs all nodes that were asked for and are not cached.

        Raises:
            UserError: There are artifacts that ML Metadata does not know, or a node before `--from` has no
                results.
            Exception: What the failing node raised; its incomplete output has been removed.
        """
        move_to_work(self._paths)
        with OrderedMetadata(self._connection) as handle:
            check_all_known(handle.store, Path(self._paths.pipeline_root), self._metadata_location)
        for node in self._ir.nodes:
            pipeline_node = node.pipeline_node
            node_id = pipeline_node.node_info.id
            if not self._part.is_wanted(node_id):
                progress.ends(node_id, "skipped", "not asked for")
                continue
            caching = pipeline_node.execution_options.caching_options
            if self._part.must_have_results(node_id):
                caching.enable_cache = True
            elif node_id == "Pusher" and self._last_push_is_gone():
                caching.enable_cache = False
            try:
                ran = self._launch(pipeline_node, progress)
            except KeyboardInterrupt:
                progress.ends(node_id, "stopped", "interrupted")
                raise
            except Exception:
                progress.ends(node_id, "failed", "see below")
                raise
            progress.ends(node_id, *(("done",) if ran else ("reused", "unchanged")))
            if ran:
                release_free_memory()
            elif node_id == "Trainer":
                # Else it would have done so itself.
                sweep(self._paths.checkpoints)

    def output_uri(self, node_id: str, key: str) -> str | None:
        """URI of a node's output in this run; None if the run did not reach the node."""
        if node_id not in self.executions:
            return None
        with OrderedMetadata(self._connection) as handle:
            return output_uri(handle, self.executions[node_id], key)

    def lineage(self) -> Lineage:
        """Artifacts that this run's nodes made and read, and the runs that reused ones come from."""
        with OrderedMetadata(self._connection) as handle:
            return trace(handle, self.executions)

    def pushed(self) -> dict[str, Any] | None:
        """The Pusher's push.json; None where nothing was to be pushed."""
        uri = self.output_uri("Pusher", "pushed_model")
        return _read_push(uri) if uri else None

    def _launch(self, pipeline_node: pipeline_pb2.PipelineNode, progress: RunProgress) -> bool:
        node_id = pipeline_node.node_info.id

        def before(execution_id: int) -> None:
            with OrderedMetadata(self._connection) as handle:
                why = why_it_runs(handle, node_id, execution_id, self._ir.pipeline_info.id)
            if self._part.must_have_results(node_id):
                raise self._part.refusal(node_id, why)
            progress.starts(node_id, why)

        node_launcher = NodeLauncher(
            pipeline_node=pipeline_node,
            mlmd_connection=OrderedMetadata(self._connection),
            pipeline_info=self._ir.pipeline_info,
            pipeline_runtime_spec=self._ir.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(self._deployment, node_id),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(self._deployment, node_id),
        )
        node_launcher.before = before
        node_launcher.beam = self._beam
        info = node_launcher.launch()
        self.executions[node_id] = info.execution_id
        self._check_success(node_id, info.execution_id)
        return node_launcher.ran

    def _last_push_is_gone(self) -> bool:
        """Whether the last pushed version was removed: then Pusher's cached result would be wrong."""
        with OrderedMetadata(self._connection) as handle:
            uris = output_uris(handle, "Pusher", "pushed_model", self._ir.pipeline_info.id)
        # Other output folders may share the metadata, and their artifacts may be gone.
        pushes = (_read_push(uri) for uri in uris if uri.startswith(f"{self._root}/"))
        pushed = [int(push["version"]) for push in pushes if push and push["pushed"]]
        return max(pushed, default=0) > max(list_versions(self.push_directory), default=0)

    def _check_success(self, node_id: str, execution_id: int) -> None:
        # TFX's launcher only logs inputs that it cannot find, and continues.
        with OrderedMetadata(self._connection) as handle:
            (execution,) = handle.store.get_executions_by_id([execution_id])
        if execution.last_known_state not in SUCCEEDED:
            raise UserError(
                f"{node_id} finds no results of the nodes before it; run the whole pipeline first"
            )


def _read_push(uri: str) -> dict[str, Any] | None:
    """What Pusher wrote; None if it was removed."""
    return read_file(Path(uri, PUSH_FILE))
