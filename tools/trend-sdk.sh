#!/bin/sh
# Makes an environment of its own for Trend Micro's SDK, which a test drives our protection manager with. The SDK comes
# as source only, so that it cannot be in the lock of the project; nothing of it ships.
#
#   tools/trend-sdk.sh PYTHON FOLDER      makes FOLDER with PYTHON, unless it is there, and prints its interpreter
set -eu

cd "$(dirname "$0")/.."
base=$1
folder=$2
stamp=$folder/$(cat requirements-trend.lock requirements-trend-build.lock tools/trend-sdk.sh | cksum | cut -d ' ' -f 1)

if [ ! -e "$stamp" ]; then
    rm -rf "$folder"
    "$base" -m venv "$folder"
    pip() { "$folder/bin/python" -m pip --disable-pip-version-check --quiet --no-input "$@"; }
    pip install --only-binary :all: --require-hashes --requirement requirements-trend-build.lock
    # Every byte is pinned by its hash; the build uses the tools that were just installed and fetches none.
    pip install --require-hashes --no-build-isolation --only-binary :all: --no-binary deep-security-api \
        --requirement requirements-trend.lock
    : >"$stamp"
fi
printf '%s\n' "$folder/bin/python"
