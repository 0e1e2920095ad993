#!/usr/bin/env bash
# Makes requirements.lock from pyproject.toml for both stacks; `make lock` calls it with VENV.
#
# uv.lock, which is not committed, holds the pins where it is there; without it everything moves to the
# newest versions that pyproject.toml allows.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/system.sh
. scripts/system.sh

# An index that is set here would be recorded, and the lock must work with any.
unset UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_DEFAULT_INDEX UV_FIND_LINKS UV_INDEX_STRATEGY VIRTUAL_ENV

VENV=${VENV:-.venv}
new=$(mktemp requirements.lock.XXXXXX)
trap 'rm -f "$new"' EXIT
"$VENV/bin/uv" lock --quiet --python "$VENV/bin/python"
{
    echo "# Pins and hashes of both stacks for pip and uv, from any index. Made by: make lock"
    "$VENV/bin/uv" export --quiet --frozen --no-emit-project --all-extras --no-header --format requirements-txt
} >"$new"
if grep -nE '(https?|file|git)[+:]|^-(i|f|-index|-extra-index|-find)| @ ' "$new" >&2; then
    fail "the lines above name an index or a place, which requirements.lock must not"
fi
chmod 644 "$new"
mv "$new" requirements.lock
