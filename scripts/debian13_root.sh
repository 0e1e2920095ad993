#!/usr/bin/env bash
# Runs a command in a Debian 13 root, for systems whose glibc is too old for the newer stack.
#
#   sudo scripts/debian13_root.sh make setup
#   sudo scripts/debian13_root.sh bash            to look around
#
# The root is built once, below PETSEG_ROOT_DIR (2 minutes, 1 GB; 4 GB with the packages installed). The
# command runs in a copy of this checkout (files that git tracks or does not ignore) that vanishes
# afterwards; virtual environment and package caches stay. All mounts live in a mount namespace of their
# own, so that they end with the command, however it ends.
#
# PETSEG_DATA, PETSEG_WEIGHTS and PETSEG_KFP_BINARIES are handed through, read-only. So are the caller's
# environment, CA bundle and pip and uv settings, of which nothing is written into the root or the repository.
set -euo pipefail

ROOT=${PETSEG_ROOT_DIR:-/var/cache/petseg}/debian13
REPOSITORY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PACKAGES=python3,python3-venv,python3-dev,ca-certificates,libgomp1,g++,make
CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt # where Debian keeps it
# shellcheck source=scripts/system.sh
. "$REPOSITORY/scripts/system.sh"

check_host() {
    [ "$(id -u)" = 0 ] || fail "the Debian 13 root needs root: run this with sudo, or use a system with glibc 2.39 or newer"
    local tool
    for tool in debootstrap unshare flock git; do
        command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install debootstrap util-linux git"
    done
    unshare --mount --pid --fork true 2>/dev/null ||
        fail "this system allows no mount namespaces (a container without --privileged?): they are needed for the Debian 13 root"
}

# Debian's own mirror as this host names it; debootstrap's default on any other system.
mirror() {
    # shellcheck source=/dev/null
    . /etc/os-release
    if [ "${ID:-}" = debian ]; then
        # shellcheck disable=SC2016  # apt-get expands $(CODENAME), not the shell
        apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
            awk -v name="$VERSION_CODENAME" '$1 == name { print $2; exit }'
    fi
}

build() {
    mkdir -p "$(dirname "$ROOT")"
    exec 8>"$ROOT.lock"
    flock 8
    if [ ! -d "$ROOT" ]; then
        echo "building a Debian 13 root in $ROOT (about 2 minutes)" >&2
        # An unfinished root keeps its other name, and nothing is mounted in it outside this namespace.
        rm -rf "$ROOT.unfinished"
        # shellcheck disable=SC2046  # no mirror must be no argument
        unshare --mount debootstrap --variant=minbase --include="$PACKAGES" trixie "$ROOT.unfinished" \
            $(mirror) >"$ROOT.log" 2>&1 8>&- || fail "debootstrap failed: see $ROOT.log"
        mv "$ROOT.unfinished" "$ROOT"
    fi
    exec 8>&-
}

# Binds a file of the host to a path in the root.
bind_file() {
    [ -f "$1" ] || return 0
    mkdir -p "$(dirname "$ROOT$2")"
    [ -e "$ROOT$2" ] || : >"$ROOT$2"
    mount --bind "$(realpath "$1")" "$ROOT$2"
}

bind_read_only() {
    mount --bind "$1" "$2"
    mount -o remount,ro,bind "$2"
}

# Package indexes that are folders of this host, as the pip and uv settings name them.
local_indexes() {
    {
        env | grep -E '^(PIP|UV)_' | grep -v CACHE || true
        cat /etc/pip.conf "$HOME"/.config/pip/pip.conf "$HOME"/.pip/pip.conf \
            /etc/uv/uv.toml "$HOME"/.config/uv/uv.toml 2>/dev/null || true
    } | grep -oE '(^|[ =,"]|file://)/[^] ,"]+' | grep -oE '/[^/ ].*' | sort -u
}

hand_through_settings() {
    local bundle folder file
    for bundle in "${SSL_CERT_FILE:-}" "$CA_BUNDLE" /etc/pki/tls/certs/ca-bundle.crt; do
        if [ -f "$bundle" ]; then
            bind_file "$bundle" "$CA_BUNDLE"
            export SSL_CERT_FILE=$CA_BUNDLE REQUESTS_CA_BUNDLE=$CA_BUNDLE CURL_CA_BUNDLE=$CA_BUNDLE PIP_CERT=$CA_BUNDLE
            break
        fi
    done
    for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/uv/uv.toml; do
        bind_file "$file" "$file"
    done
    for file in .config/pip/pip.conf .pip/pip.conf .config/uv/uv.toml .netrc; do
        bind_file "$HOME/$file" "/src/home/$file"
    done
    for folder in $(local_indexes); do
        folder=${folder%/simple} # whose pages link to files beside it
        if [ -d "$folder" ]; then
            mkdir -p "$ROOT$folder"
            bind_read_only "$folder" "$ROOT$folder"
        fi
    done
}

hand_through_inputs() {
    local name
    for name in PETSEG_DATA PETSEG_WEIGHTS PETSEG_KFP_BINARIES; do
        if [ -n "${!name:-}" ]; then
            [ -e "${!name}" ] || fail "$name names ${!name}, which does not exist"
            if [ -d "${!name}" ]; then mkdir "$ROOT/src/$name"; else : >"$ROOT/src/$name"; fi
            bind_read_only "$(realpath "${!name}")" "$ROOT/src/$name"
            export "$name=/src/$name"
        fi
    done
}

run_inside() {
    # The root is a mount, so that what runs in it can make mount namespaces of its own (steps of Kubeflow).
    mount --bind "$ROOT" "$ROOT"
    mount -t proc proc "$ROOT/proc"
    mount --rbind /dev "$ROOT/dev"
    mount --rbind /sys "$ROOT/sys"
    mkdir -p "$ROOT/src" "$ROOT/var/lib/petseg"
    mount -t tmpfs tmpfs "$ROOT/src"
    mkdir "$ROOT/src/home" "$ROOT/src/petseg"
    # Tracked files that were deleted are listed too: tar skips them.
    git -C "$REPOSITORY" -c safe.directory="$REPOSITORY" ls-files -z --cached --others --exclude-standard |
        tar -C "$REPOSITORY" --null --files-from=- --ignore-failed-read --warning=no-failed-read -cf - |
        tar -C "$ROOT/src/petseg" -xf - --no-same-owner
    hand_through_inputs
    hand_through_settings
    # What names paths or tools of the host stays outside. A uv cache shared with the host would make uv
    # believe that it runs on the host's glibc.
    unset MAKEFLAGS MAKEOVERRIDES MFLAGS MAKELEVEL VIRTUAL_ENV PYTHONPATH PYTHONHOME SSL_CERT_DIR TMPDIR PYTHON
    unset XDG_CONFIG_HOME XDG_DATA_HOME PIP_CONFIG_FILE UV_CONFIG_FILE UV_PYTHON
    export HOME=/src/home XDG_CACHE_HOME=/var/cache/petseg UV_CACHE_DIR=/var/cache/petseg/uv
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    export VENV=/var/lib/petseg/venv VENV_TFX121=/var/lib/petseg/venv LANG=C.UTF-8 LC_ALL=C.UTF-8
    # shellcheck disable=SC2016  # expanded in the root
    exec chroot "$ROOT" sh -c 'cd /src/petseg && exec "$@"' sh "$@"
}

if [ "${1:-}" = --inside ]; then
    shift
    run_inside "$@"
fi
[ $# -gt 0 ] || fail "name a command to run in the Debian 13 root, such as: make test"
check_host
build
exec unshare --mount --pid --fork --kill-child "${BASH_SOURCE[0]}" --inside "$@"
