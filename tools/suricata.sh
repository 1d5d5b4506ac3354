#!/bin/sh
# Puts Debian's Suricata (GPL-2.0, a separate program) into build/suricata, so that tests can fire every virtual patch
# at its own payload. Nothing is installed on the machine. Debian keeps it in bookworm-backports; apt checks signatures.
set -eu
cd "$(dirname "$0")/.."
place=$PWD/build/suricata
[ -x "$place/run" ] && exit 0
command -v apt-get >/dev/null || { echo "suricata.sh: needs apt-get: install suricata 7 by hand" >&2; exit 1; }

apt=$PWD/build/apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$place"
# The machine's own mirror of Debian, asked for one more suite.
sed -n '/^Types:/,$p' /etc/apt/sources.list.d/debian.sources | awk 'BEGIN { RS = "" } NR == 1' |
    sed 's/^Suites:.*/Suites: bookworm bookworm-updates bookworm-backports/' >"$apt/debian.sources"
options="-o Dir::Etc::sourcelist=$apt/debian.sources -o Dir::Etc::sourceparts=- -o Dir::State::lists=$apt/lists
    -o Dir::Cache::archives=$apt/archives -o Debug::NoLocking=true -o APT::Sandbox::User=root -q=2"
# shellcheck disable=SC2086 # a list of options
apt-get $options update
# shellcheck disable=SC2086
apt-get $options -y --no-install-recommends --download-only -t bookworm-backports install suricata >/dev/null
for package in "$apt"/archives/*.deb; do dpkg -x "$package" "$place"; done

libraries=$(find "$place" -name '*.so*' -exec dirname {} + | sort -u | tr '\n' ':')
printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/usr/bin/suricata "$@"\n' "$libraries" "$place" >"$place/run"
chmod +x "$place/run"
"$place/run" -V
