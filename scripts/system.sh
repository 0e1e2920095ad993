# shellcheck shell=bash
# What the other scripts need to know about this system; to be sourced.

# The oldest glibc on which the wheels of the newer stack load (ml-metadata and TFDV 1.21 need it).
# shellcheck disable=SC2034  # used where this file is sourced
TFX121_GLIBC=2.39

fail() {
    echo "error: $*" >&2
    exit 1
}

glibc_version() {
    getconf GNU_LIBC_VERSION 2>/dev/null | awk '{ print $2 }'
}

glibc_at_least() {
    [ "$(printf '%s\n' "$1" "$(glibc_version)" | sort -V | head -n 1)" = "$1" ]
}
