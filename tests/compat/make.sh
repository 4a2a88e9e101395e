#!/usr/bin/env bash
# usage: tests/compat/make.sh BIN_DIR ARCHIVE
# Writes what the programs of a build leave behind, for upgrade_test.cc beside this script:
#   data/    the data folder of a scheduler with a finished, a running and a queued job
#   worker/  the work folder of the worker that ran the second, with its run folder
set -euo pipefail
bin=$(realpath "$1")
archive=$(realpath "$2")
tiny=$(dirname "$(realpath "$0")")/../support/tiny
work=$(mktemp -d)

ctl() { "$bin/tunectl" -q --server "$(cat "$work/data/address")" "$@"; }
until_true() { until "$@" > /dev/null 2>&1; do sleep 0.02; done; }
registered() { ctl -o json describe running | grep -q '"latest_checkpoint": "jobs'; }
written() { compgen -G "$work/worker/runs/*/checkpoints/step-*/manifest.json"; }

"$bin/tune-scheduler" --data-dir "$work/data" --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 &
scheduler=$!
until_true test -s "$work/data/address"
"$bin/tune-worker" --scheduler "$(cat "$work/data/address")" --name old --work-dir "$work/worker" \
  --metrics-listen 127.0.0.1:0 &
worker=$!
trap 'kill -KILL "$worker" "$scheduler" 2> /dev/null; rm -rf "$work"' EXIT

ctl models init tiny --config "$tiny/config.json" --tokenizer "$tiny/tokenizer.json" --seed 0
ctl datasets push sums "$tiny/sums.jsonl"
ctl submit -f "$tiny/job.yaml" --name finished --set max_steps=2 --wait
ctl submit -f "$tiny/job.yaml" --name running --set max_steps=20000
ctl submit -f "$tiny/job.yaml" --name queued --priority=-1
until_true registered
until_true written
kill -KILL "$worker"  # its trainer ends with it, or at its next look at the folder
kill -TERM "$scheduler"
wait "$scheduler" || true

sed -i "s|$work/worker/runs/[^/]*/||" "$work"/worker/runs/*/run.json
tar -C "$work" --owner=0 --group=0 -czf "$archive" data worker
