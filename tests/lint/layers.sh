#!/usr/bin/env bash
# Includes follow the arrows of the README's architecture. CMake lets a library see only
# the folders it links; this also says which external libraries stay where.
set -euo pipefail
# shellcheck source=tests/lint/tools.sh
source "$(dirname "$0")/tools.sh"
cd "$repository"

# folder : folders of ours it may include
arrows='
base             : base
run              : base run
recipe/tokenizer : base recipe/tokenizer
recipe/chat      : base recipe/chat
recipe/model     : base recipe/chat recipe/tokenizer recipe/model
recipe/plan      : base recipe/model recipe/plan
recipe/data      : base run recipe/chat recipe/tokenizer recipe/data
recipe/cleaning  : base run recipe/tokenizer recipe/data recipe/cleaning
monitor          : base monitor
proto/wire       : base run proto/wire
server/core      : base run server/core
server/store     : base run server/core server/store
server/engine    : base run recipe server/core server/store server/engine
server/metrics   : base monitor server/core server/store server/engine server/metrics
server/rpc       : base run proto/wire server/core server/store server/engine server/rpc
worker/agent     : base run monitor proto/wire worker/agent
worker/trainer/core  : base run recipe worker/trainer/core
worker/trainer/optim : base run recipe worker/trainer/core worker/trainer/optim
worker/trainer/net   : base run recipe worker/trainer/core worker/trainer/optim worker/trainer/net
worker/trainer/infer : base run recipe worker/trainer/core worker/trainer/optim worker/trainer/net worker/trainer/infer
worker/trainer/run   : base run recipe worker/trainer
client           : base run recipe proto/wire client
'
# include : the folders that may have it
private='
<(grpc|grpcpp)/            : proto/wire server/rpc server/main.cc worker/agent client
"tune/v1/|"google/         : proto/wire server/rpc server/main.cc worker/agent client
<(ATen|c10|torch|caffe2)/  : worker/trainer
<(SQLiteCpp/|sqlite3)      : server/store
<prometheus/               : monitor server/metrics server/rpc server/main.cc worker/agent
<Civet|<civetweb           : monitor
<(arrow|parquet)/          : recipe/data/tables
"jinja/                    : recipe/chat/renderer
<(yaml-cpp)/               : client
<utf8proc                  : client
<unicode/                  : recipe/cleaning
'
failed=0

report() { printf '%s\n' "$2" | sed "s|^|$1: |"; failed=1; }

while IFS=: read -r folder allowed; do
  folder=${folder// /}
  [ -n "$folder" ] && [ -d "$folder" ] || continue
  ours='#include "(base|run|monitor|recipe|proto|server|worker|client)/'
  wrong=$(grep -rEn --include='*.h' --include='*.cc' "$ours" "$folder" |
    grep -vE "\"($(tr -s ' ' '|' <<<"${allowed# }"))/" || true)
  [ -z "$wrong" ] || report "$folder may not include this" "$wrong"
done <<<"$arrows"

while read -r pattern separator folders; do
  [ "$separator" = : ] || continue
  wrong=$(grep -rEn --include='*.h' --include='*.cc' "#include ($pattern)" \
    base run monitor recipe proto server worker client |
    grep -vE "^($(tr -s ' ' '|' <<<"$folders"))[/:]" || true)
  [ -z "$wrong" ] || report "only $folders may include this" "$wrong"
done <<<"$private"

# shellcheck disable=SC2015
[ "$failed" -eq 0 ] && echo "layers: every include follows the arrows" || exit 1
