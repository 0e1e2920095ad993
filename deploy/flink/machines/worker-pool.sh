#!/bin/sh
# Starts Beam's worker pool on port 50000, or PORT. Workers import this project, and work in their own environment.
set -eu
project=$(cd "$(dirname "$0")/../../.." && pwd)
# The pool starts `python` by its name.
PATH="${VENV:-$project/.venv}/bin:$PATH"
export PATH PYTHONPATH="$project" PYTHONUNBUFFERED=1 TF_CPP_MIN_LOG_LEVEL="${TF_CPP_MIN_LOG_LEVEL:-2}"
exec python -m apache_beam.runners.worker.worker_pool_main --service_port="${PORT:-50000}"
