"""Stands in for `java -jar JOB_SERVER_JAR --job-port PORT ...`: Beam's own job service in Python.

It runs what it is given on the workers of the pipeline's environment, as the Java one does on Flink. Each one
writes its process id into the folder that the environment variable JOB_SERVERS names.
"""

import os
import sys
import threading
from pathlib import Path

from apache_beam.runners.portability.local_job_service import LocalJobServicer


def main() -> None:
    port = int(sys.argv[sys.argv.index("--job-port") + 1])
    Path(os.environ["JOB_SERVERS"], str(os.getpid())).touch()
    service = LocalJobServicer()
    service.start_grpc_server(port)
    threading.Event().wait()


if __name__ == "__main__":
    main()
