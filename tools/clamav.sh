#!/bin/sh
# Puts Debian's ClamAV (GPL-2.0, a separate program) into build/clamav, so that tests can have a real scanner look at
# files, with signatures that they make themselves.
set -eu
cd "$(dirname "$0")"
./debian.sh clamav bookworm sbin/clamd clamav-daemon
