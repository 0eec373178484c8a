#!/bin/sh
# Install the Debian packages that Python's own installer cannot bring, if they are missing.
# Usage: system-packages.sh PYTHON [PROGRAM...]   each PROGRAM is called as its package is, or is postgresql (a server)
set -eu
python=${1:-python3}
[ $# -eq 0 ] || shift
missing=""
for program in "$@"; do
    case $program in
        postgresql) ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null ;;
        *) command -v "$program" >/dev/null ;;
    esac || missing="$missing $program"
done
command -v "$python" >/dev/null || missing="$missing python3"
"$python" -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
has_library() { /sbin/ldconfig -p 2>/dev/null | grep -q "$1"; }
has_library libGL.so.1 || missing="$missing libgl1"
has_library libglib-2.0.so.0 || missing="$missing libglib2.0-0"
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then as_root=sudo; fi
if ! command -v apt-get >/dev/null || { [ -n "$as_root" ] && ! command -v sudo >/dev/null; }; then
    echo "install these first, with your system's package manager:$missing" >&2
    exit 1
fi
echo "installing with apt-get:$missing" >&2
$as_root apt-get update -qq
# shellcheck disable=SC2086  # a list of names
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
