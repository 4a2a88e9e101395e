#!/usr/bin/env bash
# The contract passes buf's STANDARD rules; the exceptions are named in proto/buf.yaml.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_python_tools

# The two imported googleapis files come from where deploy/install-deps.sh put them, so
# that buf asks no registry.
deps=${TUNE_DEPS_DIR:-$HOME/.cache/tune/deps}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/google/api"
cp "$deps/google/api/field_behavior.proto" "$deps/google/api/resource.proto" "$work/google/api"
cp -r "$repository/proto/tune" "$repository/proto/buf.yaml" "$work"

cd "$work"
buf lint --path tune
printf 'buf: proto/tune holds\n'
