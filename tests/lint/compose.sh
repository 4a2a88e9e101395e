#!/usr/bin/env bash
# The compose files fit the compose specification, the files they mount are there, and an override
# changes only services that there are.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_python_tools
cd "$repository/deploy/docker"

check-jsonschema --builtin-schema vendor.compose-spec compose.yaml compose.gpu.yaml
grep -oE '^ +(- |dockerfile: )(\.\./|deploy/)[^:]+' compose.yaml | sed -E 's/^ +(- |dockerfile: )//' |
  while read -r path; do
    case $path in deploy/*) path=../../$path ;; esac
    test -e "$path" || { echo "compose.yaml: $path is not there"; exit 1; }
  done
# A target that a Dockerfile lacks, or a service of another name, would be found by who runs it.
grep -qE '^  worker:$' compose.yaml || { echo "compose.gpu.yaml: compose.yaml has no worker"; exit 1; }
target=$(sed -nE 's/^ +target: //p' compose.gpu.yaml)
grep -qE "^FROM .* AS $target$" worker.Dockerfile ||
  { echo "compose.gpu.yaml: worker.Dockerfile has no target $target"; exit 1; }
