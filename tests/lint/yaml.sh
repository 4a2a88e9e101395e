#!/usr/bin/env bash
# Every YAML file passes yamllint.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_python_tools
cd "$repository"

mapfile -t files < <(tracked '*.yaml' '*.yml' .clang-format .clang-tidy)
yamllint --strict --config-data '
extends: default
rules:
  line-length: {max: 100}
  document-start: disable
  truthy: {allowed-values: ["true", "false"]}
  braces: {max-spaces-inside: 1}
  comments: {min-spaces-from-content: 1}
' "${files[@]}"
printf 'yamllint: %d files hold\n' "${#files[@]}"
