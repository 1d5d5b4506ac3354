#!/bin/sh
# Makes .venv hold exactly what one lock file pins, and the project itself. `make` calls it; run it again at will.
#
#   tools/setup.sh requirements.lock        what `make demo` needs
#   tools/setup.sh requirements-dev.lock    that, and what tests, lint and benchmarks need
#
# Nothing is built from source and nothing is installed that the lock does not name with its hash. On Debian and
# Ubuntu, a Python without venv gets it by apt-get, if this user may install packages.
set -eu

cd "$(dirname "$0")/.."
lock=$1
venv=.venv
python=$venv/bin/python

say() { printf '  %s\n' "$*" >&2; }
fail() {
    printf '\nsetup stopped: %s\n' "$1" >&2
    shift
    for line in "$@"; do printf '  %s\n' "$line" >&2; done
    exit 1
}

# The first Python on PATH that really runs and is new enough (a pyenv shim may exist and still refuse to run).
find_python() {
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        found=$(command -v "$name" 2>/dev/null) || continue
        if "$found" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            printf '%s\n' "$found"
            return 0
        fi
    done
    return 1
}

# Installs Debian packages, as root or through sudo; fails quietly where neither is possible.
apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || return 1
        sudo -n true 2>/dev/null || [ -t 0 ] || return 1
        root=sudo
    fi
    say "installing $* (apt-get)"
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>&1 && return 0
    $root apt-get update -qq >/dev/null 2>&1 || return 1
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null
}

need_python() {
    base=$(find_python) && return 0
    apt_install python3 python3-venv || true
    base=$(find_python) && return 0
    fail "no Python 3.11, 3.12 or 3.13 on PATH." \
        "Debian or Ubuntu:  sudo apt-get install python3 python3-venv" \
        "macOS:             brew install python@3.13" \
        "elsewhere:         install it, or say where it is: make demo PYTHON=/path/to/python3"
}

need_venv() {
    "$base" -c 'import ensurepip, venv' 2>/dev/null && return 0
    package=$("$base" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    apt_install "$package" || true
    "$base" -c 'import ensurepip, venv' 2>/dev/null && return 0
    fail "$base cannot make virtual environments (it has no ensurepip)." \
        "Type:  sudo apt-get install $package" "then run the same command again."
}

fingerprint() {
    # What is installed follows from these files alone: while they stay the same there is nothing to do.
    cat "$lock" pyproject.toml tools/setup.sh | cksum | cut -d ' ' -f 1
}

stamp=$venv/$lock-$(fingerprint)
if [ -e "$stamp" ] && "$python" -c '' 2>/dev/null; then
    exit 0
fi

need_python
if ! "$python" -c 'import pip' 2>/dev/null; then
    need_venv
    say "making $venv with $("$base" --version) ($base)"
    rm -rf "$venv"
    "$base" -m venv "$venv" || fail "$base could not make $venv." "Is there room on the disk?  df -h ."
fi

say "installing what $lock pins (every file is checked against its hash)"
pip() { "$python" -m pip --disable-pip-version-check --quiet --no-input "$@"; }
pip install --only-binary :all: --require-hashes --requirement "$lock" ||
    fail "pip could not install $lock (its own words are above)." \
        "No network? It needs a Python package index once; PIP_INDEX_URL names another one." \
        "Another machine type? Wheels are pinned for Linux on x86_64 and aarch64."
say "installing sakimori itself, from this folder"
pip install --no-deps --no-build-isolation --editable . || fail "sakimori itself could not be installed."
# As pip does with all else: a Python that may write no bytecode compiles it at every start, a third of a small run.
"$python" -m compileall -q src/sakimori || fail "sakimori's own files could not be compiled."

# The development lock contains the runtime one, at the same versions.
for installed in "$lock" requirements.lock; do
    rm -f "$venv/$installed"-*
    lock=$installed
    : >"$venv/$lock-$(fingerprint)"
done
