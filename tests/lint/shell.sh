#!/usr/bin/env bash
# Every shell script passes shellcheck.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_python_tools
cd "$repository"

mapfile -t scripts < <(tracked '*.sh' .ci/run)
shellcheck --external-sources "${scripts[@]}"
printf 'shellcheck: %d scripts hold\n' "${#scripts[@]}"
