#!/usr/bin/env bash
# The compose file fits the compose specification, and the files it mounts are there.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_python_tools
cd "$repository/deploy/docker"

check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
grep -oE '^ +(- |dockerfile: )(\.\./|deploy/)[^:]+' compose.yaml | sed -E 's/^ +(- |dockerfile: )//' |
  while read -r path; do
    case $path in deploy/*) path=../../$path ;; esac
    test -e "$path" || { echo "compose.yaml: $path is not there"; exit 1; }
  done
