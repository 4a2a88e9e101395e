#!/usr/bin/env bash
# Sets up, builds and tests.
#
#   tests/run.sh              every suite but those that only run by name
#   tests/run.sh SUITE...     some of: unit e2e fault oracle lint deploy
#   tests/run.sh mutation     by name only; so is soak
#   tests/run.sh cuda         LibTorch's CUDA half and its libraries, 2.6 GB to download
#                             (tests/cuda.sh)
#   tests/run.sh fresh [...]  quickstart and tests in a new minimal Debian root (tests/fresh.sh)
#
# TUNE_PRESET        CMake preset: release (default), debug, tsan
# TUNE_DEPS_DIR      where LibTorch and Arrow are (deploy/install-deps.sh)
# TUNE_SHARED_DATA   real test data (default ../shared/data); tests that need it are skipped
#                    without it
# TUNE_ORACLE_PYTHON a python with transformers (default: made by tests/oracle/venv.sh)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${TUNE_PRESET:-release}
build=$root/build/$preset
by_name_only='soak|mutation'
jobs=$(nproc)

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }

# The suites are ctest labels.
select_suites() {
  if [ $# -eq 0 ]; then
    printf '%s\n' --label-exclude "^($by_name_only)$"
  else
    local IFS='|'
    printf '%s\n' --label-regex "^($*)$"
  fi
}

# build [TARGET...]: all without any
build() {
  cmake -S "$root" --preset "$preset" \
    -DTUNE_BUILD_TESTS=ON -DTUNE_DEPS_DIR="${TUNE_DEPS_DIR:-$HOME/.cache/tune/deps}" >"$root/build/configure.log" ||
    { cat "$root/build/configure.log"; return 1; }
  cmake --build "$build" --parallel "$jobs" ${1+--target "$@"}
}

# The end-to-end tests ask transformers about what they pulled, the oracles about all else.
needs_oracle() { [[ $# -eq 0 || " $* " =~ \ (oracle|e2e|mutation|soak)\  ]]; }
make_oracle() {
  local venv
  [ -z "${TUNE_ORACLE_PYTHON-}" ] || return 0
  venv=$(sh "$root/tests/oracle/venv.sh") ||
    { echo "tests/run.sh: no oracle environment (see above): its tests are skipped" >&2; return 0; }
  export TUNE_ORACLE_PYTHON=$venv/bin/python
}

main() {
  case "${1-}" in
    fresh) shift; exec bash "$root/tests/fresh.sh" "$@" ;;
    -h | --help) usage; return ;;
    -*) usage >&2; return 2 ;;
  esac
  local selection
  mapfile -t selection < <(select_suites "$@")
  cd "$root"
  mkdir -p "$root/build"
  if [ -z "${TUNE_SHARED_DATA-}" ] && [ -d "$root/../shared/data" ]; then
    export TUNE_SHARED_DATA=$root/../shared/data
  fi
  bash "$root/deploy/install-deps.sh" --tests
  if [ "${1-}" = cuda ]; then
    build tune-trainer
    exec bash "$root/tests/cuda.sh" "$build"
  fi
  build
  if needs_oracle "$@"; then make_oracle; fi
  ctest --test-dir "$build" "${selection[@]}" --parallel "$jobs" --no-tests=error \
    --output-on-failure
}

main "$@"
