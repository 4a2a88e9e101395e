#!/usr/bin/env bash
# promtool takes the scrape configuration.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_prometheus
promtool check config --lint=all --lint-fatal "$repository/deploy/prometheus/prometheus.yml"
