#!/usr/bin/env bash
# Prints the Python that `make setup` uses: the one place where that is decided.
#
#   scripts/choose_python.sh             the default of this machine
#   scripts/choose_python.sh PYTHON      this one (a path or a name), if it fits
#
# Python 3.10 gets TFX 1.16, 3.11 to 3.13 get TFX 1.21, which needs glibc 2.39. So the default is 3.10 where
# glibc is older, and else the newest that works. Looked for on PATH and among pyenv's versions; where there
# is none, uv may bring one. PYTHON_VERSIONS="3.12 3.11" narrows the choice.
set -euo pipefail

SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/system.sh
. "$SCRIPTS/system.sh"

# Prints "<version> <yes or no: has headers> <interpreter>" where "$1" runs. Trying is the only test: pyenv's
# shims are on PATH also for versions that are not active. In a virtual environment the interpreter behind it.
describe() {
    "$1" -c '
import os, sys, sysconfig
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
print("%d.%d" % sys.version_info[:2], "yes" if os.path.isfile(header) else "no", getattr(sys, "_base_executable", sys.executable))
' 2>/dev/null
}

no_headers() {
    fail "the headers of Python $1 ($2) are missing (Python.h): apt-get install python$1-dev"
}

check_given() {
    local version headers interpreter
    read -r version headers interpreter < <(describe "$1") || fail "$1 is no Python that runs: give PYTHON= a path such as /usr/bin/python3.10"
    case $version in
        3.10) ;;
        3.11 | 3.12 | 3.13)
            glibc_at_least "$TFX121_GLIBC" ||
                fail "Python $version gets TFX 1.21, which needs glibc $TFX121_GLIBC (here $(glibc_version)): use Python 3.10, or make test-tfx121 for the newer stack"
            ;;
        *) fail "Python must be 3.10 to 3.13. Received instead: $version ($1)" ;;
    esac
    [ "$headers" = yes ] || no_headers "$version" "$interpreter"
    echo "$interpreter"
}

candidates() {
    printf '%s\n' "python$1" python3 python "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python
}

# A Python that uv downloads, where the network allows it. uv is the user's own or a passing one from the lock.
from_uv() {
    local uv=uv directory
    if ! uv --version >/dev/null 2>&1; then
        directory=$(mktemp -d)
        # shellcheck disable=SC2064  # the directory of now
        trap "rm -rf '$directory'" EXIT
        python3 -m venv "$directory/venv" && "$SCRIPTS/install_uv.sh" "$directory/venv/bin/python" || return 1
        uv=$directory/venv/bin/uv
    fi
    timeout 600 "$uv" python install --no-bin "$1" && "$uv" python find --managed-python "$1" >&3
}

[ "$(uname -sm)" = "Linux x86_64" ] || fail "TFX has wheels for Linux on x86_64 only (here $(uname -sm)): use the Dockerfile in deploy/"
[ -n "$(glibc_version)" ] || fail "TFX has wheels for glibc only, and this system has another C library: use the Dockerfile in deploy/"
command -v "${CXX:-g++}" >/dev/null || fail "${CXX:-g++} is missing: apt-get install g++"

if [ -n "${1:-}" ]; then
    check_given "$1"
    exit
fi

if glibc_at_least "$TFX121_GLIBC"; then
    versions=${PYTHON_VERSIONS:-3.13 3.12 3.11 3.10}
else
    versions=3.10
fi
without_headers=()
for wanted in $versions; do
    while read -r candidate; do
        if read -r version headers interpreter < <(describe "$candidate") && [ "$version" = "$wanted" ]; then
            if [ "$headers" = yes ]; then
                echo "$interpreter"
                exit
            fi
            without_headers=("$version" "$interpreter")
        fi
    done < <(candidates "$wanted")
done
[ ${#without_headers[@]} = 0 ] || no_headers "${without_headers[@]}"

newest=${versions%% *}
echo "no Python ${versions// /, } here: asking uv for $newest" >&2
from_uv "$newest" 3>&1 >/dev/null 2>&1 ||
    fail "Python ${versions// / or } with headers is missing, and uv could not download one: install it (apt-get install python$newest-dev python$newest-venv where your system has it, else pyenv install $newest) or name yours: make setup PYTHON=/path/to/python"
