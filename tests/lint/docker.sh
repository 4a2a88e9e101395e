#!/usr/bin/env bash
# Dockerfiles pass hadolint, run as a numeric user that is not root, and have a health check.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_python_tools
cd "$repository/deploy/docker"

hadolint --strict-labels --failure-threshold info ./*.Dockerfile
for file in *.Dockerfile; do
  grep -qE '^USER [1-9][0-9]*:[1-9][0-9]*$' "$file" || { echo "$file: no numeric user"; exit 1; }
  grep -qE '^HEALTHCHECK ' "$file" || { echo "$file: no health check"; exit 1; }
  # What is copied in by name must be there.
  grep -oE '^COPY deploy/[^ ]+( deploy/[^ ]+)* ' "$file" | tr ' ' '\n' | grep '^deploy/' |
    while read -r source; do test -e "$repository/$source"; done
done
echo "hadolint: the Dockerfiles hold"
