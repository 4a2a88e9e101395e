#!/usr/bin/env bash
# deploy/quickstart.sh run, run again, run twice at once, interrupted, and run after that.
# Usage: quickstart.sh BUILD_FOLDER
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/../lint/tools.sh"
[ "$1" = "$repository/build/release" ] || skip "the quickstart builds into build/release"

dir=$(mktemp -d)
log=$(mktemp)
quickstart=$repository/deploy/quickstart.sh
trap 'kill "${running-}" 2>/dev/null || true; rm -rf "$dir" "$log"' EXIT

fail() { cat "$log"; printf 'FAILED: %s\n' "$*"; exit 1; }
expect() { grep -qF -- "$1" "$log" || fail "no '$1' in the output above"; }
run() { "$quickstart" --dir "$dir" >"$log" 2>&1 </dev/null; }

# Processes that have the folder in their command line; the pattern comes by a pipe, so
# that this search is not one of them.
leftovers() { grep -lsaF -f <(printf '%s/' "$dir") /proc/[0-9]*/cmdline 2>/dev/null || true; }
expect_none_left() {
  [ -z "$(leftovers)" ] || fail "left running: $(leftovers | xargs cat | tr '\0' ' ')"
}

run || fail "first run"
expect "1. Apple"
expect "1. Boil some water."
expect "To go on with the same data"
expect_none_left

start=$SECONDS
run || fail "second run"
expect "1. Apple"
expect_none_left
[ $((SECONDS - start)) -lt 60 ] || fail "the second run took $((SECONDS - start)) s"
echo "second run: $((SECONDS - start)) s"

# Interrupted while it trains; another run at the same time is refused.
"$quickstart" --dir "$dir" >"$log" 2>&1 </dev/null & running=$!
for _ in {1..600}; do grep -qF 'Training' "$log" && break; sleep 0.1; done
"$quickstart" --dir "$dir" >"$log.2" 2>&1 && fail "two at once in one folder"
grep -qF 'another quickstart is at work' "$log.2" || fail "two at once: $(cat "$log.2")"
rm -f "$log.2"
sleep 2
kill -TERM "$running"
wait "$running" && fail "an interrupted run counts as done"
expect "cancelling job"
expect_none_left

run || fail "run after an interrupted one"
expect "1. Apple"
echo "quickstart: run, again, two at once, interrupted, after that: all as they should"
