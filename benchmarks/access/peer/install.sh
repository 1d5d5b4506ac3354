#!/bin/sh
# Installs the benchmark's peer into DIR, from the committed lock and by its hashes. It is AGPL: it stays out of the program.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:?usage: install.sh DIR}
command -v npm >/dev/null || { echo "npm is not installed: the peer of benchmarks/access_speed.py needs Node 20" >&2; exit 1; }
mkdir -p "$target"
cp "$here/package.json" "$here/package-lock.json" "$here/simulate.mjs" "$target/"
cd "$target"
npm ci --ignore-scripts --no-audit --no-fund --silent
