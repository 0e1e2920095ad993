"""Stands in for `java -jar JOB_SERVER_JAR --job-port PORT ...`: Beam's own job service in Python.

It runs what it is given on the workers of the pipeline's environment, as the Java one does on Flink, and
describes options of its own. Each one writes its process id into the folder that the environment variable
JOB_SERVERS names, and the id of a job that is canceled into the file `canceled` beside it.
"""

import os
import sys
import threading
from pathlib import Path

from apache_beam.portability.api import beam_job_api_pb2
from apache_beam.runners.portability.local_job_service import LocalJobServicer

OPTIONS = {
    "checkpointing_interval": beam_job_api_pb2.PipelineOptionType.INTEGER,
    "faster_copy": beam_job_api_pb2.PipelineOptionType.BOOLEAN,
}
"""Two that only the Java one of Flink knows."""


class JobServer(LocalJobServicer):
    def DescribePipelineOptions(self, request, context=None, timeout=None):
        options = [
            beam_job_api_pb2.PipelineOptionDescriptor(name=name, type=kind) for name, kind in OPTIONS.items()
        ]
        return beam_job_api_pb2.DescribePipelineOptionsResponse(options=options)

    def Cancel(self, request, context=None, timeout=None):
        Path(os.environ["JOB_SERVERS"]).with_name("canceled").write_text(request.job_id)
        return super().Cancel(request, context, timeout)


def main() -> None:
    port = int(sys.argv[sys.argv.index("--job-port") + 1])
    Path(os.environ["JOB_SERVERS"], str(os.getpid())).touch()
    service = JobServer()
    service.start_grpc_server(port)
    threading.Event().wait()


if __name__ == "__main__":
    main()
