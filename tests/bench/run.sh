#!/usr/bin/env bash
# Measures: tests/bench/run.sh NAME [ARGUMENT...]. The last line of the output is one JSON object:
#   {"benchmark", "commit", "device", "results": [...], "ratios": {...}}
# Progress goes to stderr. A benchmark never fails on a figure.
#
#   control_plane   submits, leases, heartbeats and look-ups at 1,000 to 100,000 queued jobs
#   adamw           the optimizer's pass over host memory: Tune, PyTorch's fused one, and an in-place
#                   pass over the same arrays
#   checkpoint      how long training stands still for a checkpoint, against a plain write of as
#                   many bytes
#   plan            what tune-trainer plan says of memory and time, against what a run takes
#
# TUNE_PRESET, TUNE_DEPS_DIR as for tests/run.sh.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
preset=${TUNE_PRESET:-release}
build=$root/build/$preset

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }

build_targets() {
  mkdir -p "$root/build"
  cmake -S "$root" --preset "$preset" -DTUNE_BUILD_TESTS=ON \
    -DTUNE_DEPS_DIR="${TUNE_DEPS_DIR:-$HOME/.cache/tune/deps}" >"$root/build/configure.log" ||
    { cat "$root/build/configure.log" >&2; return 1; }
  cmake --build "$build" --parallel "$(nproc)" --target "$@" >&2
}

device() {
  printf '%s, %s cores' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" "$(nproc)"
}

main() {
  [ $# -ge 1 ] || { usage >&2; return 2; }
  local name=$1
  shift
  cd "$root"
  case $name in
    control_plane) build_targets control_plane_bench tune-scheduler tunectl ;;
    adamw) build_targets adamw_bench ;;
    checkpoint) build_targets checkpoint_bench tune-trainer ;;
    plan) build_targets plan_bench tune-trainer ;;
    -h | --help) usage; return ;;
    *) usage >&2; return 2 ;;
  esac
  "$build/bin/${name}_bench" "$@" |
    jq -c --arg commit "$(git rev-parse --short HEAD)" --arg device "$(device)" \
      '. + {commit: $commit, device: $device}'
}

main "$@"
