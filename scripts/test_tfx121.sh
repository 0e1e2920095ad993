#!/usr/bin/env bash
# Runs the tests on the newer stack (Python 3.11 to 3.13, TFX 1.21): test_tfx121.sh [PYTEST ARGUMENTS]
#
# Directly where glibc is new enough, else in a Debian 13 root, where this script calls itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/system.sh
. scripts/system.sh

if glibc_at_least "$TFX121_GLIBC"; then
    export VENV=${VENV_TFX121:-.venv-tfx121} PYTHON_VERSIONS="3.13 3.12 3.11"
    EXTRAS="app export s3 docs test" scripts/setup.sh
    exec "$VENV/bin/python" -m pytest "$@"
fi
exec scripts/debian13_root.sh scripts/test_tfx121.sh "$@"
