#!/usr/bin/env bash
# The Grafana dashboard: provisioned as its files say, every panel explained and with a
# unit, every query valid PromQL over metrics that the programs export.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_prometheus
cd "$repository"

# Prints what is wrong with the dashboard; nothing where it holds.
wrong=$(jq -r '
  def panels: .panels[] | select(.type != "row");
  (select(.uid != "tune") | "uid must stay \"tune\": links name it"),
  (select([.templating.list[].name] != ["datasource", "job", "instance", "job_id"]) | "variables"),
  (.panels | group_by(.id)[] | select(length > 1) | "id \(.[0].id) is there twice"),
  (panels | select((.title // "") == "") | "panel \(.id): no title"),
  (panels | select((.description // "") == "") | "\(.title): no description"),
  (panels | select((.fieldConfig.defaults.unit // "") == "") | "\(.title): no unit"),
  (panels | .title as $title | (., .targets[]) | select(.datasource.uid != "${datasource}")
    | "\($title): data source is not the variable"),
  (panels | .title as $title | .targets[].expr | select(contains("instance=~\"$instance\"") | not)
    | "\($title): does not filter by instance"),
  (panels | .title as $title | .targets[].expr | select(test("rate\\(.*\\[[0-9]"))
    | "\($title): a rate over a fixed time, not $__rate_interval")
' "$dashboard")
[ -z "$wrong" ] || { printf '%s\n' "$wrong"; exit 1; }

rules=$(mktemp)
trap 'rm -f "$rules"' EXIT
dashboard_queries 5m | jq -Rn '{groups: [{name: "dashboard", rules: [inputs | {record: "x", expr: .}]}]}' >"$rules"
promtool check rules --lint=none "$rules"

# Names in the queries, with the suffixes of a histogram's series taken off.
dashboard_queries 5m | grep -oE '\b(tune|grpc_server|process)_[a-z_]+' |
  sed -E 's/_(bucket|sum|count)$//' | sort -u | while read -r name; do
    grep -rqF --include='*.cc' "\"$name\"" monitor server worker || { echo "no program exports $name"; exit 1; }
  done
echo "dashboard: $(jq '[.panels[] | select(.type != "row")] | length' "$dashboard") panels hold"
