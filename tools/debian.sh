#!/bin/sh
# Puts a program of Debian, with the libraries that it needs, into build/NAME. Nothing is installed on the machine; apt
# checks signatures. Usage: debian.sh NAME SUITE PROGRAM PACKAGE...; afterwards `build/NAME/run ...` runs /usr/PROGRAM.
set -eu
cd "$(dirname "$0")/.."
name=$1 suite=$2 program=$3
shift 3
place=$PWD/build/$name
[ -x "$place/run" ] && exit 0
command -v apt-get >/dev/null || { echo "debian.sh: needs apt-get: install $* by hand" >&2; exit 1; }

apt=$PWD/build/apt-$name
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$place"
# The machine's own mirror of Debian, asked for one more suite.
sed -n '/^Types:/,$p' /etc/apt/sources.list.d/debian.sources | awk 'BEGIN { RS = "" } NR == 1' |
    sed "s/^Suites:.*/Suites: bookworm bookworm-updates $suite/" >"$apt/debian.sources"
options="-o Dir::Etc::sourcelist=$apt/debian.sources -o Dir::Etc::sourceparts=- -o Dir::State::lists=$apt/lists
    -o Dir::Cache::archives=$apt/archives -o Debug::NoLocking=true -o APT::Sandbox::User=root -q=2"
# shellcheck disable=SC2086 # a list of options
apt-get $options update
# shellcheck disable=SC2086
apt-get $options -y --no-install-recommends --download-only -t "$suite" install "$@" >/dev/null
for package in "$apt"/archives/*.deb; do dpkg -x "$package" "$place"; done

libraries=$(find "$place" -name '*.so*' -exec dirname {} + | sort -u | tr '\n' ':')
printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/usr/%s "$@"\n' "$libraries" "$place" "$program" >"$place/run"
chmod +x "$place/run"
