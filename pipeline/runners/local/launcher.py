"""Launches one node, as TFX's launcher does, with what a local run needs besides."""

from collections.abc import Callable

from tfx.dsl.io import fileio
from tfx.orchestration.portable import data_types, launcher
from tfx.proto.orchestration import execution_result_pb2

from pipeline.beam_settings import BeamSettings
from pipeline.runners.local.beam_jobs import watch_jobs
from pipeline.runners.local.job_servers import stop_job_servers


class NodeLauncher(launcher.Launcher):
    """TFX's launcher, which tells when it starts an executor, gives it empty folders,
    and leaves no job and no job server of Beam behind.

    Attributes:
        before: Called with the execution's id before an executor starts; not for a reused node. What it
            raises stops the node.
        beam: The engine on which the node's Beam jobs run.
        ran: Whether an executor was started.
    """

    before: Callable[[int], None]
    beam: BeamSettings
    ran = False

    def _run_executor(self, execution_info: data_types.ExecutionInfo) -> execution_result_pb2.ExecutorOutput:
        self.before(execution_info.execution_id)
        self.ran = True
        # Folders are named by the execution's number. A store that was reset counts from 1 again, and readers
        # take all files that they find.
        for artifacts in execution_info.output_dict.values():
            for artifact in artifacts:
                if fileio.exists(artifact.uri):
                    fileio.rmtree(artifact.uri)
        with stop_job_servers(), watch_jobs(self.beam):
            return super()._run_executor(execution_info)
