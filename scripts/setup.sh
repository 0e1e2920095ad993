#!/usr/bin/env bash
# Installs what a run needs, and extras, from requirements.lock into a virtual environment; make calls it.
#
# VENV: the environment (default .venv). PYTHON: its Python (default: that of an existing environment, else
# scripts/choose_python.sh decides). EXTRAS: extras of pyproject.toml that it must have (default "app"). Extras
# that are already installed stay.
#
# The stamp in the environment holds the hash of the lock, the environment's path, its Python and its extras.
# If the stamp is missing, or the path or Python differ, the environment is made again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/system.sh
. scripts/system.sh

EXTRAS=${EXTRAS-app}
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

all_extras() {
    sed -n '/^\[project.optional-dependencies\]/,/^\[tool/s/^\([a-z0-9-]*\) = \[.*/\1/p' pyproject.toml
}

# requirements.lock, without the packages that neither the project nor the given extras need; uv resolves which.
locked() {
    local options=() extra names
    for extra in "$@"; do options+=(--extra "$extra"); done
    names=$("$VENV/bin/uv" pip compile --quiet --no-header --no-annotate --python "$VENV/bin/python" \
        "${options[@]}" --constraint requirements.lock pyproject.toml) || return
    # A package is a line at the margin, with its hashes below. uv itself stays for the next time.
    awk -F '[=[]' 'NR == FNR { wanted[$1]; next } /^[^ #]/ { ours = $1 in wanted } ours' \
        <(printf '%s\n' uv "$names") requirements.lock
}

# Installs with extras: install_lock add EXTRA... leaves other packages alone, install_lock sync EXTRA... removes
# them. Prints the extras that are installed afterwards.
install_lock() {
    local packages command=install
    packages=$(mktemp)
    [ "$1" = add ] || command=sync
    shift
    if scripts/install_uv.sh "$VENV/bin/python" >&2; then
        (
            share_pip_settings
            # Paths of another interpreter or environment must not mislead uv.
            unset VIRTUAL_ENV CONDA_PREFIX UV_PYTHON UV_PROJECT_ENVIRONMENT
            locked "$@" >"$packages" &&
                "$VENV/bin/uv" pip "$command" --compile-bytecode --require-hashes --python "$VENV/bin/python" \
                    $([ "$command" = sync ] || echo --no-deps --requirement) "$packages" >&2
        ) && rm "$packages" && echo "$@" && return
        echo "uv could not install requirements.lock; trying pip, which is slower and installs every extra" >&2
    fi
    rm -f "$packages"
    # The lock is complete, and older pips refuse a pin without the extras that another package asks for.
    "$VENV/bin/python" -m pip install --disable-pip-version-check --require-hashes --no-deps -r requirements.lock >&2 || return
    all_extras
}

one_line() { # sorted, each word once
    printf '%s\n' "$@" | sort -u | xargs
}

# Two that set up at once would delete each other's work. The lock is a file beside the environment, since
# the environment itself may be made again.
exec 9>"$VENV.lock"
flock 9

for extra in $EXTRAS; do
    grep -qx -- "$extra" <<<"$(all_extras)" || fail "EXTRAS: pyproject.toml has no extra $extra; it has $(all_extras | xargs)"
done
lock_hash=$(sha256sum requirements.lock | cut -d ' ' -f 1)
old_python=
old_extras=
if { read -r old_hash && read -r old_path && read -r old_python; } 2>/dev/null <"$STAMP"; then
    # Stamps of version 0.1 have three lines: every extra was installed.
    old_extras=$(sed -n 4p "$STAMP")
    [ "$(wc -l <"$STAMP")" -gt 3 ] || old_extras=$(all_extras)
fi
if [ -z "$old_python" ] || [ "$old_path" != "$VENV" ] || ! "$VENV/bin/python" -c '' 2>/dev/null; then
    old_python=
fi
if [ -n "$old_python" ] && [ -z "${PYTHON:-}" ]; then
    python=$old_python
else
    python=$(scripts/choose_python.sh "${PYTHON:-}")
fi
# shellcheck disable=SC2086  # one word an extra
read -ra extras < <(one_line $old_extras $EXTRAS)
mode=sync
if [ "$python" = "$old_python" ] && [ "$lock_hash" = "$old_hash" ]; then
    mode=add
    # shellcheck disable=SC2086
    [ "${extras[*]}" != "$(one_line $old_extras)" ] || exit 0
fi

# Without its stamp an environment counts as unfinished, also if this is killed.
if [ "$python" = "$old_python" ]; then
    mv "$STAMP" "$STAMP.before"
else
    [ ! -e "$VENV" ] || [ -f "$VENV/pyvenv.cfg" ] || fail "$VENV exists and is no virtual environment: move it away"
    rm -rf "$VENV"
    "$python" -m venv "$VENV" >/dev/null 2>&1 || uv venv --quiet --seed --clear --python "$python" "$VENV" 2>/dev/null ||
        fail "$python cannot make virtual environments: apt-get install python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
fi
echo "installing requirements.lock (extras: ${extras[*]:-none}) into $VENV with $python" >&2
if ! installed=$(install_lock $mode "${extras[@]}" 9>&-); then
    # uv and pip download everything before they change anything: the old environment still works.
    [ ! -f "$STAMP.before" ] || mv "$STAMP.before" "$STAMP"
    fail "the packages could not be installed: the lines above say why. Is a package registry reachable (pip and uv settings)?"
fi
printf '%s\n' "$lock_hash" "$VENV" "$python" "$(xargs <<<"$installed")" >"$STAMP.new"
mv "$STAMP.new" "$STAMP"
rm -f "$STAMP.before"
