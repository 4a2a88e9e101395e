#!/usr/bin/env bash
# A real Prometheus scrapes a real run; every query of the dashboard runs through its HTTP
# API, and finds something unless it asks for what a CPU run does not have.
# Usage: dashboard_queries.sh BUILD_FOLDER
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/../lint/tools.sh"
use_prometheus

bin=$1/bin
demo=$repository/deploy/demo
dir=$(mktemp -d)
pids=()
finish() {
  local status=$?
  [ ${#pids[@]} -eq 0 ] || { kill "${pids[@]}" 2>/dev/null || true; wait "${pids[@]}" || true; }
  [ "$status" -eq 0 ] || tail -n 30 "$dir"/*.log
  rm -rf "$dir"
}
trap finish EXIT

# No GPU here, no evaluation in the demo, no failure, and no wait long enough to be scraped.
may_be_empty='tune_gpu_|tune_eval_|queue_oldest|grpc_code!~|log_messages|heartbeat_failures'

serve() {
  local name=$1; shift
  setpriv --pdeathsig TERM "$@" >"$dir/$name.log" 2>&1 </dev/null &
  pids+=($!)
}
await() { for _ in {1..300}; do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; "$@"; }

start_fleet() {
  serve scheduler "$bin/tune-scheduler" --data-dir "$dir/scheduler" \
    --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0
  await test -s "$dir/scheduler/address"
  TUNECTL_SERVER=$(cat "$dir/scheduler/address")
  export TUNECTL_SERVER
  serve worker "$bin/tune-worker" --scheduler "$TUNECTL_SERVER" --name cpu-1 \
    --work-dir "$dir/worker" --metrics-listen 127.0.0.1:0
  await grep -q 'metrics=127' "$dir/worker.log"
  scheduler_metrics=$(cat "$dir/scheduler/metrics_address")
  worker_metrics=$(grep -oE 'metrics=[0-9.:]+' "$dir/worker.log" | head -1 | cut -d= -f2)
}

start_prometheus() {
  cat >"$dir/prometheus.yml" <<END
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - {job_name: tune-scheduler, static_configs: [{targets: ["$scheduler_metrics"]}]}
  - {job_name: tune-worker, static_configs: [{targets: ["$worker_metrics"]}]}
END
  serve prometheus prometheus --config.file="$dir/prometheus.yml" \
    --storage.tsdb.path="$dir/tsdb" --web.listen-address=127.0.0.1:0
  await grep -q 'Listening on' "$dir/prometheus.log"
  prometheus=http://$(grep -oE 'Listening on.*' "$dir/prometheus.log" | grep -oE '127[0-9.:]+' | head -1)
  await curl --silent --fail "$prometheus/-/ready"
}

run_demo() {
  "$bin/tunectl" -q models init demo --config "$demo/config.json" \
    --tokenizer "$demo/tokenizer.json" --seed 0
  "$bin/tunectl" -q datasets push demo "$demo/dataset.jsonl"
  head -n 32 "$demo/dataset.jsonl" >"$dir/few.jsonl"
  "$bin/tunectl" -q datasets push few "$dir/few.jsonl"
  "$bin/tunectl" -q submit -f "$demo/job.yaml" --name demo --set checkpoint_every=20 \
    --set 'datasets=[{dataset: demo}, {dataset: few}]' --wait &
  sleep 5  # so that the expositions checked below are those of a run
  for address in "$scheduler_metrics" "$worker_metrics"; do
    curl --silent --fail "http://$address/metrics" | promtool check metrics
    for path in healthz readyz; do curl --silent --fail --output /dev/null "http://$address/$path"; done
  done
  wait $!
  sleep 2  # the last scrape
}

api() { curl --silent --get "$prometheus/api/v1/$1" "${@:2}"; }

check_query() {
  local answer
  answer=$(api query_range --data-urlencode "query=$1" --data "start=$begin&end=$(date +%s)&step=1")
  [ "$(jq -r .status <<<"$answer")" = success ] || { echo "REFUSED $1: $answer"; return 1; }
  [ "$(jq '.data.result | length' <<<"$answer")" -gt 0 ] && return
  grep -qE "$may_be_empty" <<<"$1" || { echo "EMPTY $1"; return 1; }
}

begin=$(date +%s)
start_fleet
start_prometheus
run_demo
failed=0 count=0
while read -r query; do
  count=$((count + 1))
  check_query "$query" || failed=$((failed + 1))
done < <(dashboard_queries 10s)
for label in job instance; do
  [ "$(api "label/$label/values" --data-urlencode 'match[]=tune_build_info' | jq '.data | length')" -eq 2 ] ||
    { echo "variable $label: no values"; failed=$((failed + 1)); }
done
[ "$(api label/job_id/values --data-urlencode 'match[]=tune_train_info' | jq -r '.data[]')" = demo ] ||
  { echo "variable job_id: no values"; failed=$((failed + 1)); }
echo "dashboard: $count queries, $failed wrong"
[ "$failed" -eq 0 ]
