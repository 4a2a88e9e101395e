#!/usr/bin/env bash
# From a clone to a fine-tuned model on this machine: installs what is missing, builds,
# starts a scheduler and a CPU worker on loopback, trains the demo, pulls its checkpoint,
# asks it something, and stops what it started.
#
#   deploy/quickstart.sh [--dir DIR] [--cuda]
#
# --cuda also installs NVIDIA's libraries for a GPU: 2.0 GB to download, 2.6 GB on disk.
# DIR holds all data (default ~/.local/share/tune-quickstart); delete it to start over.
# Ports are free ones. TUNE_DEPS_DIR: where LibTorch and Arrow go (deploy/install-deps.sh).
set -euo pipefail

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=$repository/build/release/bin
demo=$repository/deploy/demo
deps=${TUNE_DEPS_DIR:-$HOME/.cache/tune/deps}
install=()
dir=${XDG_DATA_HOME:-$HOME/.local/share}/tune-quickstart
prompts=("Name three fruits." "How do I make tea?")

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; fi
step() { printf '%s==> %s%s  (%d s)\n' "$bold" "$*" "$plain" "$SECONDS"; }
die() { printf 'quickstart: error: %s\n' "$*" >&2; exit 1; }
usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }

while [ $# -gt 0 ]; do
  case "$1" in
    --dir) [ $# -ge 2 ] || die "--dir wants a folder"; dir=$2; shift 2 ;;
    --cuda) install=(--cuda); shift ;;
    -h | --help) usage; exit ;;
    *) die "unknown argument '$1'; see deploy/quickstart.sh --help" ;;
  esac
done

# What runs, by process id; and the job, while it is not over.
scheduler='' worker='' watcher='' job=''

# Asks a process of ours to end, and waits; after 10 s it is killed.
stop() {
  [ -n "$1" ] && kill -TERM "$1" 2>/dev/null || return 0
  for _ in {1..100}; do
    kill -0 "$1" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null || true
}

finish() {
  local status=$?
  trap '' INT TERM HUP
  stop "$watcher"
  if [ -n "$job" ]; then
    echo "quickstart: cancelling job $job" >&2
    "$bin/tunectl" --timeout 5s cancel "$job" >/dev/null 2>&1 || true
  fi
  stop "$worker"
  stop "$scheduler"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Gigabytes come only to who asks for them.
offer_cuda() {
  [ -e /proc/driver/nvidia/version ] && [ ! -e "$deps/.wheels-cuda" ] && [ -z "${install[*]}" ] ||
    return 0
  echo "This machine has an NVIDIA driver. To train on its GPU, run deploy/quickstart.sh --cuda:"
  echo "it also installs CUDA's libraries, 2.0 GB to download, 2.6 GB on disk. Goes on without."
}

build() {
  local log=$repository/build/configure.log
  mkdir -p "$repository/build"
  (cd "$repository" && cmake --preset release \
    -DTUNE_DEPS_DIR="$deps") >"$log" 2>&1 ||
    { cat "$log" >&2; die "cmake failed (its output is above)"; }
  cmake --build "$repository/build/release" --parallel "$(nproc)" \
    --target tune-scheduler tune-worker tune-trainer tunectl
}

# serve NAME COMMAND...: starts a program whose end comes with ours, even if we are killed.
# Its log is DIR/NAME.log; its process id is in $started.
serve() {
  local log=$dir/$1.log; shift
  setpriv --pdeathsig TERM "$@" >"$log" 2>&1 </dev/null 9>&- &
  started=$!
}

# await NAME PID TEST...: until TEST holds; fails with the log where the program ended.
await() {
  local name=$1 pid=$2 log=$dir/$1.log; shift 2
  for _ in {1..300}; do
    if "$@" >/dev/null 2>&1; then return; fi
    kill -0 "$pid" 2>/dev/null || { tail -n 20 "$log" >&2; die "$name ended ($log is above)"; }
    sleep 0.1
  done
  tail -n 20 "$log" >&2
  die "$name is not ready after 30 s ($log is above)"
}

start_scheduler() {
  rm -f "$dir/scheduler/address"
  serve scheduler "$bin/tune-scheduler" --data-dir "$dir/scheduler" \
    --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0
  scheduler=$started
  await scheduler "$scheduler" test -s "$dir/scheduler/address"
  TUNECTL_SERVER=$(cat "$dir/scheduler/address")
  export TUNECTL_SERVER
}

start_worker() {
  serve worker "$bin/tune-worker" --scheduler "$TUNECTL_SERVER" --name quickstart \
    --work-dir "$dir/worker" --metrics-listen 127.0.0.1:0
  worker=$started
  await worker "$worker" sh -c "'$bin/tunectl' workers list | grep -qE '^quickstart +(IDLE|BUSY)'"
}

# Jobs that a killed run left behind would be trained before ours.
cancel_leftovers() {
  "$bin/tunectl" -q list --all --no-headers --state queued,leased,running |
    while read -r name _; do "$bin/tunectl" cancel "$name" || true; done
}

push_inputs() {
  "$bin/tunectl" models describe demo >/dev/null 2>&1 ||
    "$bin/tunectl" -q models init demo --config "$demo/config.json" \
      --tokenizer "$demo/tokenizer.json" --seed 0
  "$bin/tunectl" datasets describe demo >/dev/null 2>&1 ||
    "$bin/tunectl" -q datasets push demo "$demo/dataset.jsonl"
}

train() {
  job=demo-$(date +%Y%m%d-%H%M%S)
  "$bin/tunectl" -q submit --file "$demo/job.yaml" --name "$job"
  # In the background, since bash takes a signal only between two commands, or in wait.
  "$bin/tunectl" -q watch "$job" 9>&- &
  watcher=$!
  wait "$watcher" || { "$bin/tunectl" describe "$job" >&2; die "the job did not succeed"; }
  watcher=''
  model=$dir/models/$job
  job=''
}

ask() {
  for prompt in "${prompts[@]}"; do
    printf '\nUser: %s\n\nAssistant:' "$prompt"
    "$bin/tune-trainer" generate --model "$model" --prompt "$prompt" --max-new-tokens 48
  done
}

show_how_to_go_on() {
  cat <<END

The model is in $model: transformers loads it, and

  $bin/tune-trainer generate --model $model --prompt "List four tools."

To go on with the same data, start the two daemons and use tunectl:

  $bin/tune-scheduler --data-dir $dir/scheduler &
  $bin/tune-worker --work-dir $dir/worker &
  $bin/tunectl list
  $bin/tunectl submit -f $demo/job.yaml --name mine --learning-rate 1e-3 --watch

A real model and your own data: README.md, "A real Phi-2 run".
END
}

main() {
  mkdir -p "$dir/models" || die "cannot make $dir; choose another folder with --dir"
  dir=$(cd "$dir" && pwd)
  exec 9>"$dir/.lock"
  flock -n 9 || die "another quickstart is at work in $dir; wait for it, or choose another --dir"
  step "Installing what is missing"
  offer_cuda
  bash "$repository/deploy/install-deps.sh" "${install[@]}" 9>&-
  step "Building"
  build 9>&-
  step "Starting a scheduler and a worker on loopback; their data and logs are in $dir"
  start_scheduler
  start_worker
  cancel_leftovers
  step "Making a small model with random weights, pushing the demo's dataset"
  push_inputs
  step "Training"
  train
  step "Pulling the checkpoint"
  "$bin/tunectl" -q checkpoints pull "${model##*/}" --dir "$model"
  step "Asking it"
  ask
  show_how_to_go_on
  step "Done; stopping the scheduler and the worker"
}

main
