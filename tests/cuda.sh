#!/usr/bin/env bash
# Installs what the CUDA half of LibTorch needs into a folder of its own, by
# deploy/install-deps.sh --cuda, and shows on any machine that it loads with every symbol bound, that
# the trainer finds each library, and that it says cleanly what this machine lacks.
#
#   tests/cuda.sh BUILD_FOLDER
#
# CUDA_DIR  where the folder is made (default /var/tmp); 7 GB
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
trainer=$1/bin/tune-trainer

dir=$(mktemp -d "${CUDA_DIR:-/var/tmp}/tune-cuda.XXXXXX")
trap 'rm -rf "$dir"' EXIT
say() { printf 'cuda: %s\n' "$*"; }
fail() { cat "$dir/out" 2>/dev/null || true; say "FAILED: $*"; exit 1; }
torch=$dir/deps/torch/lib
# The trainer with this folder's LibTorch instead of the one that it was linked with.
run() { LD_LIBRARY_PATH=$torch "$@" >"$dir/out" 2>&1; }
expect() { grep -qE -- "$1" "$dir/out" || fail "no '$1' in the output above"; }

free=$(df --output=avail -BM "$dir" | tail -1 | tr -dc 0-9)
[ "$free" -gt 7500 ] || { say "$dir has $free MB free, 7500 are needed; set CUDA_DIR"; exit 77; }

begin=$SECONDS
TUNE_DEPS_DIR=$dir/deps bash "$repository/deploy/install-deps.sh"
base=$SECONDS
base_mb=$(du -sm "$dir/deps" | cut -f1)
TUNE_DEPS_DIR=$dir/deps bash "$repository/deploy/install-deps.sh" --cuda
say "without CUDA: $((base - begin)) s, $base_mb MB;" \
  "CUDA's libraries: $((SECONDS - base)) s, $(($(du -sm "$dir/deps" | cut -f1) - base_mb)) MB more"
TUNE_DEPS_DIR=$dir/deps bash "$repository/deploy/install-deps.sh" --cuda | grep -q downloading &&
  fail "a second run downloads again"

# The one library that only a driver brings is libcuda.so.1, which libcaffe2_nvrtc.so alone links.
for library in "$torch"/libtorch_cuda.so "$torch"/libtorch_cuda_linalg.so; do
  ldd "$library" >"$dir/out"
  if grep -q 'not found' "$dir/out"; then fail "$library lacks libraries"; fi
done
say "libtorch_cuda.so: $(ldd "$torch/libtorch_cuda.so" | grep -c "$dir") libraries, all of this folder"

LD_BIND_NOW=1 LD_PRELOAD=$torch/libtorch_cuda.so run "$trainer" version ||
  fail "libtorch_cuda.so does not load with every symbol bound"
expect '"version"'

# What the trainer looks for is what the files need, each found beside LibTorch.
run "$trainer" devices --json || fail "tune-trainer devices"
mapfile -t needed < <(readelf -d "$torch"/libtorch_cuda*.so "$torch"/libtorch_nvshmem.so |
  grep -oE 'lib(cu|nv|nccl)[A-Za-z_]*\.so\.[0-9]+' | sort -u)
for library in "${needed[@]}"; do
  expect "\"what\":\"$library\",\"text\":\"$dir/deps/nvidia/"
done
say "${#needed[@]} libraries that LibTorch names are found by tune-trainer devices"

if [ -e /proc/driver/nvidia ]; then
  say "this machine has the driver:"
  run "$trainer" devices || true
  cat "$dir/out"
  exit
fi
run "$trainer" devices || fail "a machine without a GPU lacks nothing"
expect '^note +NVIDIA driver +no NVIDIA driver'
model=$dir/none
mkdir "$model"
if run "$trainer" generate --model "$model" --prompt x --device cuda; then fail "no error"; fi
expect 'device cuda was asked for, but it cannot be used here: no NVIDIA driver'
say "without a driver: $(cat "$dir/out")"
