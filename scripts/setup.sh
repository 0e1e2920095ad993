#!/usr/bin/env bash
# Installs requirements.lock into a virtual environment; `make setup` calls it.
#
# VENV: where (default .venv). PYTHON: with which Python (default: scripts/choose_python.sh decides, and an
# environment that is there keeps its own). EXTRAS: the extras to install, such as "s3" (default: all).
#
# The stamp in the environment names the lock, the place and the Python it was finished with. Without a
# valid stamp the environment was left unfinished or moved, and is made again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/system.sh
. scripts/system.sh

VENV=${VENV:-.venv}
mkdir -p "$(dirname "$VENV")"
VENV=$(cd "$(dirname "$VENV")" && pwd)/$(basename "$VENV")
STAMP=$VENV/.petseg-setup

# The settings of pip that uv does not read by itself; uv's own come first.
share_pip_settings() {
    local settings index_url extra_index_url find_links certificate
    settings=$("$VENV/bin/python" -m pip config list)
    pip_setting() { # of several scopes the environment's wins; several values come apart by \n or spaces
        sed -nE "s/^:env:\.$1='(.*)'\$/\1/p; s/^(install|global)\.$1='(.*)'\$/\2/p" <<<"$settings" |
            head -n 1 | sed 's/\\n/ /g; s/^ *//'
    }
    index_url=$(pip_setting index-url)
    extra_index_url=$(pip_setting extra-index-url)
    find_links=$(pip_setting find-links)
    certificate=$(pip_setting cert)
    if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] && [ -n "$index_url" ]; then
        export UV_DEFAULT_INDEX=$index_url
    fi
    if [ -z "${UV_INDEX:-}${UV_EXTRA_INDEX_URL:-}" ] && [ -n "$extra_index_url" ]; then
        # pip takes the best match of all indexes, and so must uv, or the first index hides the others.
        # Hashes decide what is installed.
        export UV_INDEX=$extra_index_url UV_INDEX_STRATEGY=${UV_INDEX_STRATEGY:-unsafe-best-match}
    fi
    if [ -z "${UV_FIND_LINKS:-}" ] && [ -n "$find_links" ]; then
        export UV_FIND_LINKS=${find_links// /,}
    fi
    if [ -z "${SSL_CERT_FILE:-}" ] && [ -f "$certificate" ]; then
        export SSL_CERT_FILE=$certificate
    fi
}

install_lock() {
    if scripts/install_uv.sh "$VENV/bin/python"; then
        (
            share_pip_settings
            # Paths of another interpreter or environment must not lead uv astray.
            unset VIRTUAL_ENV CONDA_PREFIX UV_PYTHON UV_PROJECT_ENVIRONMENT
            if [ -n "${EXTRAS+given}" ]; then
                # Which packages that takes is resolved here; versions and hashes are the lock's.
                for extra in $EXTRAS; do set -- "$@" --extra "$extra"; done
                "$VENV/bin/uv" pip install --compile-bytecode --require-hashes --python "$VENV/bin/python" \
                    --requirement pyproject.toml "$@" --constraint requirements.lock
            else
                "$VENV/bin/uv" pip sync --compile-bytecode --require-hashes --python "$VENV/bin/python" requirements.lock
            fi
        ) && return
        echo "uv could not install requirements.lock; trying pip, which is slower" >&2
    fi
    # The lock is complete, and older pips refuse a pin without the extras that another package asks for.
    "$VENV/bin/python" -m pip install --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
}

# Two that set up at once would delete each other's work. The lock is a file beside the environment, since
# the environment itself may be made again.
exec 9>"$VENV.lock"
flock 9

lock_hash=$(sha256sum requirements.lock | cut -d ' ' -f 1)
old_python=
{ read -r old_hash && read -r old_place && read -r old_python; } 2>/dev/null <"$STAMP" || old_python=
if [ -z "$old_python" ] || [ "$old_place" != "$VENV" ] || ! "$VENV/bin/python" -c '' 2>/dev/null; then
    old_python=
fi
if [ -n "$old_python" ] && [ -z "${PYTHON:-}" ]; then
    python=$old_python
else
    python=$(scripts/choose_python.sh "${PYTHON:-}")
fi
if [ "$python" = "$old_python" ] && [ "$lock_hash" = "$old_hash" ]; then
    exit
fi

if [ "$python" = "$old_python" ]; then
    rm "$STAMP"
else
    [ ! -e "$VENV" ] || [ -f "$VENV/pyvenv.cfg" ] || fail "$VENV exists and is no virtual environment: move it away"
    rm -rf "$VENV"
    "$python" -m venv "$VENV" >/dev/null 2>&1 || uv venv --quiet --seed --clear --python "$python" "$VENV" 2>/dev/null ||
        fail "$python cannot make virtual environments: apt-get install python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
fi
echo "installing requirements.lock into $VENV with $python" >&2
install_lock 9>&- || fail "the packages could not be installed: the lines above say why. Is a package registry reachable (pip and uv settings)?"
printf '%s\n' "$lock_hash" "$VENV" "$python" >"$STAMP.new"
mv "$STAMP.new" "$STAMP"
