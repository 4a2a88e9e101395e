#!/usr/bin/env bash
# Packs what tests/gpu/run.sh runs: the programs, stripped, and the shared libraries that they need
# beside glibc and LibTorch, which the machine with the GPU has. Under 64 MiB.
#
#   tests/gpu/bundle.sh FOLDER     FOLDER is made anew
#
# TUNE_PRESET, TUNE_DEPS_DIR as for tests/run.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
preset=${TUNE_PRESET:-release}
build=$root/build/$preset
[ $# -eq 1 ] || { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
out=$1

mkdir -p "$root/build"
cmake -S "$root" --preset "$preset" -DTUNE_BUILD_TESTS=ON \
  -DTUNE_DEPS_DIR="${TUNE_DEPS_DIR:-$HOME/.cache/tune/deps}" >"$root/build/configure.log" ||
  { cat "$root/build/configure.log" >&2; exit 1; }
cmake --build "$build" --parallel "$(nproc)" --target gpu_test gpu_bench tune-trainer >&2

rm -rf "$out"
mkdir -p "$out/lib"
for program in gpu_test gpu_bench tune-trainer; do
  strip -o "$out/$program" "$build/bin/$program"
  ldd "$build/bin/$program" | awk '$3 ~ /^\// {print $3}'
done | sort -u | while IFS= read -r library; do
  case $library in
    */torch/lib/* | */nvidia/* | */libc.so.* | */libm.so.* | */libdl.so.* | */librt.so.* | */libpthread.so.*) ;;
    *) cp -L "$library" "$out/lib/" ;;
  esac
done
cp "$root/tests/gpu/run.sh" "$out/"
git -C "$root" rev-parse --short HEAD >"$out/commit"
du -sh "$out" | cut -f1
