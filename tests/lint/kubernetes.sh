#!/usr/bin/env bash
# The kustomize base and every overlay build, every object of them fits the API's schemas, and GPU
# workers have what a GPU needs.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_go_tool kubectl-validate sigs.k8s.io/kubectl-validate@v0.0.4

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
if command -v kubectl >/dev/null; then
  build() { kubectl kustomize "$1"; }
else
  use_go_tool kustomize sigs.k8s.io/kustomize/kustomize/v5@v5.5.0
  build() { kustomize build "$1"; }
fi
for folder in "$repository"/deploy/kubernetes/{base,overlays/*}; do
  name=${folder##*/}
  build "$folder" >"$out/$name.yaml"
  for kind in Service StatefulSet Deployment NetworkPolicy; do
    grep -q "^kind: $kind$" "$out/$name.yaml" || { echo "$name has no $kind"; exit 1; }
  done
  kubectl-validate "$out/$name.yaml" --version 1.30
done

# The overlay's own text replaces the base's: one value of each, and the CUDA image.
for line in 'nvidia.com/gpu: 1' 'runtimeClassName: nvidia' 'mountPath: /dev/shm' 'memory: 64Gi' \
  'value: compute,utility' 'image: tune-worker:0.1.0-cuda'; do
  grep -qF "$line" "$out/gpu.yaml" || { echo "overlays/gpu: no '$line'"; exit 1; }
done
if grep -qF 'memory: 16Gi' "$out/gpu.yaml"; then echo "overlays/gpu: the base's memory"; exit 1; fi
