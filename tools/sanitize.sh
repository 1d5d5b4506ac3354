#!/bin/sh
# Runs the kernel's tests on a kernel that stops at the first read or write outside of its memory and at the first
# undefined behaviour (AddressSanitizer, UndefinedBehaviorSanitizer). They need a clang of 15 or later, which the pinned
# compiler is not (it has no AddressSanitizer): Debian's is put into build/clang. Nothing is installed on the machine.
set -eu
cd "$(dirname "$0")/.."
place=$PWD/build/clang
llvm=$place/usr/lib/llvm-16
if [ ! -x "$llvm/bin/clang" ]; then
    command -v apt-get >/dev/null || { echo "sanitize.sh: needs apt-get for clang 16" >&2; exit 1; }
    mkdir -p "$place/archives/partial"
    apt-get update -q=2
    apt-get -o Dir::Cache::archives="$place/archives" -o Debug::NoLocking=true -o APT::Sandbox::User=root -q=2 -y \
        --no-install-recommends --download-only install clang-16 libclang-rt-16-dev >/dev/null
    for package in "$place"/archives/*.deb; do dpkg -x "$package" "$place"; done
fi

runtime=$(dirname "$(find "$llvm" -name 'libclang_rt.asan-x86_64.so' -o -name 'libclang_rt.asan-aarch64.so' | head -1)")
asan=$(find "$runtime" -name "libclang_rt.asan-$(uname -m).so")
LD_LIBRARY_PATH=$llvm/lib:$place/usr/lib/$(uname -m)-linux-gnu "$llvm/bin/clang" -std=gnu17 -O1 -g -fPIC -shared \
    -fno-omit-frame-pointer -shared-libsan -fsanitize=address,undefined -fno-sanitize-recover=undefined \
    src/sakimori/detect/kernel.c -o "$place/libkernel.so"

# PYTHONMALLOC: or Python's own pools would hide where a text ends. Leaks: Python itself is full of them at its end.
LD_LIBRARY_PATH=$runtime LD_PRELOAD=$asan PYTHONMALLOC=malloc UBSAN_OPTIONS=print_stacktrace=1 \
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 .venv/bin/python -c '
import sys
from pathlib import Path
import pytest
from sakimori.detect import kernel
kernel.library = lambda: Path(sys.argv[1])
sys.exit(pytest.main(sys.argv[2:]))
' "$place/libkernel.so" -q -s "${@:-tests/property/test_kernel.py}"
