#!/usr/bin/env bash
# The kustomize base builds, and every object of it fits the API's schemas.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_go_tool kubectl-validate sigs.k8s.io/kubectl-validate@v0.0.4

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
if command -v kubectl >/dev/null; then
  kubectl kustomize "$repository/deploy/kubernetes/base" >"$out/base.yaml"
else
  use_go_tool kustomize sigs.k8s.io/kustomize/kustomize/v5@v5.5.0
  kustomize build "$repository/deploy/kubernetes/base" >"$out/base.yaml"
fi
for kind in Service StatefulSet Deployment NetworkPolicy; do
  grep -q "^kind: $kind$" "$out/base.yaml" || { echo "base has no $kind"; exit 1; }
done
kubectl-validate "$out/base.yaml" --version 1.30
