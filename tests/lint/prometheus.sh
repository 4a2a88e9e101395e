#!/usr/bin/env bash
# promtool takes the scrape configuration and the alerts, and each alert fires when it should.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
use_prometheus
promtool check config --lint=all --lint-fatal "$repository/deploy/prometheus/prometheus.yml"
promtool check rules --lint=all --lint-fatal "$repository"/deploy/prometheus/rules/*.yml
promtool test rules "$repository/tests/deploy/alerts.yml"
