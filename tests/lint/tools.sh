# shellcheck shell=bash
# Sourced: where the linters are. What a machine lacks is fetched once, by pinned
# version, into ~/.cache/tune/tools.
tools=${XDG_CACHE_HOME:-$HOME/.cache}/tune/tools
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# ctest counts this exit status as skipped.
skip() { printf 'skipped: %s\n' "$*"; exit 77; }

# Runs "$@" while no other test does (ctest runs several at once).
once() {
  mkdir -p "$tools"
  (flock 9; "$@" 9>&-) 9>"$tools/.lock"
}

# use_python_tools: puts the tools of requirements.txt first in PATH.
install_python_tools() {
  local pins=$repository/tests/lint/requirements.txt
  cmp -s "$pins" "$tools/python/requirements.txt" && return
  rm -rf "$tools/python"
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$pins"
  cp "$pins" "$tools/python/requirements.txt"
}
use_python_tools() {
  once install_python_tools
  PATH=$tools/python/bin:$PATH
}

# use_prometheus: prometheus and promtool. Debian's package is unpacked, not installed:
# installing it would start a server.
install_prometheus() {
  [ -x "$tools/prometheus/usr/bin/promtool" ] && return
  local download
  download=$(mktemp -d)
  (cd "$download" && apt-get -qq download prometheus)
  dpkg-deb --extract "$download"/prometheus_*.deb "$tools/prometheus"
  rm -rf "$download"
}
use_prometheus() {
  command -v prometheus >/dev/null && command -v promtool >/dev/null && return
  once install_prometheus
  PATH=$tools/prometheus/usr/bin:$PATH
}

# use_go_tool NAME MODULE@VERSION: a program built by go, where there is go.
install_go_tool() {
  [ -x "$tools/go/$1" ] || GOBIN=$tools/go go install "$2"
}
use_go_tool() {
  command -v "$1" >/dev/null && return
  [ -x "$tools/go/$1" ] || command -v go >/dev/null || skip "needs $1, or go to build it"
  once install_go_tool "$@"
  PATH=$tools/go:$PATH
}

tracked() { git -C "$repository" ls-files --cached --others --exclude-standard -- "$@"; }

# The dashboard's queries, one a line, its variables filled in: all runs, rates over
# the given interval.
dashboard=$repository/deploy/grafana/dashboards/tune.json
dashboard_queries() {
  jq -r '[.. | objects | .expr? // empty] | unique[]' "$dashboard" |
    sed -E "s/\\\$__rate_interval/$1/g; s/\\\$(job_id|job|instance)/.*/g"
}
