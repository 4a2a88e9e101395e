#!/bin/sh
# Lints proto/ with buf's STANDARD rules (exceptions: proto/buf.yaml).
# buf comes from PATH, else from the PyPI package buf-bin. The two imported googleapis
# files are taken from where deploy/install-deps.sh put them, so buf needs no network.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
deps=${TUNE_DEPS_DIR:-$HOME/.cache/tune/deps}
buf_version=1.75.0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

buf=$(command -v buf || true)
if [ -z "$buf" ]; then
  tool_dir=${XDG_CACHE_HOME:-$HOME/.cache}/tune/buf-$buf_version
  buf=$tool_dir/bin/buf
  if [ ! -x "$buf" ]; then
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check \
      --no-deps --target "$tool_dir" "buf-bin==$buf_version"
  fi
fi

cp -r "$root/proto/tune" "$work/tune"
mkdir -p "$work/google/api"
cp "$deps/google/api/field_behavior.proto" "$deps/google/api/resource.proto" "$work/google/api"
cp "$root/proto/buf.yaml" "$work/buf.yaml"

cd "$work"
"$buf" lint --path tune
echo "buf lint: proto/tune holds"
