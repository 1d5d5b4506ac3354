#!/bin/sh
# Makes .venv-peers hold exactly what requirements-peers.lock pins: programs that benchmarks measure beside Sakimori.
# They never run in tests and never ship. `benchmarks/discovery.py` calls it; run it again at will.
#
# Prowler (Apache-2.0): the posture scanner that discovery is measured against. Its dependencies pin other versions than
# ours, so it lives in an environment of its own.
set -eu

cd "$(dirname "$0")/.."
lock=requirements-peers.lock
venv=.venv-peers
stamp=$venv/$(cksum <"$lock" | cut -d ' ' -f 1)
[ -e "$stamp" ] && exit 0

python=.venv/bin/python
[ -x "$python" ] || python=python3
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip --disable-pip-version-check --quiet --no-input install --require-hashes --requirement "$lock" || {
    printf '\npeers stopped: pip could not install %s (its own words are above).\n' "$lock" >&2
    exit 1
}
: >"$stamp"
