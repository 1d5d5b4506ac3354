#!/bin/sh
# Puts Debian's Suricata (GPL-2.0, a separate program) into build/suricata, so that tests can fire every virtual patch
# at its own payload. Debian keeps it in bookworm-backports.
set -eu
cd "$(dirname "$0")"
./debian.sh suricata bookworm-backports bin/suricata suricata
