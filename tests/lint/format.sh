#!/usr/bin/env bash
# Every C++ file is as clang-format writes it.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_python_tools
cd "$repository"

mapfile -t sources < <(tracked '*.cc' '*.h')
clang-format --dry-run --Werror "${sources[@]}"
printf 'clang-format: %d files hold\n' "${#sources[@]}"
