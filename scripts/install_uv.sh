#!/usr/bin/env bash
# Installs uv as requirements.lock pins it, by the pip of a virtual environment: install_uv.sh PYTHON
set -euo pipefail

lock=$(dirname "${BASH_SOURCE[0]}")/../requirements.lock
pin=$(mktemp)
trap 'rm -f "$pin"' EXIT
awk '/^uv==/ { ours = 1 } ours { print } ours && !/\\$/ { exit }' "$lock" >"$pin"
"$1" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$pin"
