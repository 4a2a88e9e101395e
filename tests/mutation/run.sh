#!/usr/bin/env bash
# Puts one fault of faults.txt after the other into a copy of the sources and expects the
# unit tests of recipe/, run/ and worker/trainer/ to notice each.
#
#   tests/mutation/run.sh [NAME...]   only these faults
#
# TUNE_MUTATION_DIR  where the copy and its build lie (default ~/.cache/tune/mutation); a
#                    later run builds only what has changed
# TUNE_DEPS_DIR      where LibTorch is
# TUNE_JOBS          compilers at once (default: one per core)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=${TUNE_MUTATION_DIR:-$HOME/.cache/tune/mutation}
build=$work/build/release # as in the tree, so that ccache knows what it compiled there
log=$work/log
jobs=${TUNE_JOBS:-$(nproc)}
export TUNE_SHARED_DATA=${TUNE_SHARED_DATA:-$root/../shared/data}
export GOMP_SPINCOUNT=1000 # else libgomp's threads fight for the cores (worker/trainer/main.cc)

# Only what differs is written, so that ninja builds no more than it must.
copy_sources() {
  local file
  git -C "$root" ls-files --cached --others --exclude-standard | while IFS= read -r file; do
    [ -f "$root/$file" ] || continue
    cmp --silent "$root/$file" "$work/$file" || install -D "$root/$file" "$work/$file"
  done
}

build_tests() { ninja -C "$build" -j "$jobs" "$@" >"$log" 2>&1; }

# The first test to fail; fails itself where none does. Whole runs come last: they are slow.
first_failure() {
  local program=$1 filter
  for filter in '-RunTest.*' 'RunTest.*'; do
    timeout 600 "$build/tests/$program" --gtest_fail_fast "--gtest_filter=$filter" >"$log" 2>&1 &&
      continue
    grep -am1 '^\[  FAILED  \] ' "$log" | sed 's/^\[  FAILED  \] \([^ ,]*\).*/\1/' | grep . ||
      echo "$program: does not run to its end"
    return 0
  done
  return 1
}

# Faults of recipe/ and run/ may show in their own tests and in the trainer's, those of the
# trainer only in its own.
programs_for() {
  case $1 in
    recipe/*) echo recipe_test trainer_test ;;
    run/*) echo run_test trainer_test ;;
    *) echo trainer_test ;;
  esac
}

# Replaces `old`, which must be in the file once, by `new`.
put_fault() {
  local file=$1 old=$2 new=$3 text rest
  text=$(<"$file")
  rest=${text#*"$old"}
  if [ "$rest" = "$text" ] || [[ $rest == *"$old"* ]]; then return 1; fi
  printf '%s%s%s\n' "${text%"$old$rest"}" "$new" "$rest" >"$file"
}

# Prints what became of a fault; fails unless a test noticed it.
try_fault() {
  local file=$1 old=$2 new=$3 program caught
  put_fault "$work/$file" "$old" "$new" ||
    { echo "NOT APPLIED: its text is not once in $file"; return 1; }
  for program in $(programs_for "$file"); do
    build_tests "$program" || { echo "DOES NOT COMPILE: $(grep -m1 error: "$log")"; return 1; }
    if caught=$(first_failure "$program"); then echo "$caught"; return 0; fi
  done
  echo "SURVIVED"
  return 1
}

# faults.txt: "== NAME FILE", then lines with - (the text to replace) and + (what by).
each_fault() {
  local line name='' file='' old='' new=''
  while IFS= read -r line; do
    case $line in
      '== '*) read -r _ name file <<<"$line"; old='' new='' ;;
      -*) old+=${old:+$'\n'}${line#-} ;;
      +*) new+=${new:+$'\n'}${line#+} ;;
      '') [ -z "$name" ] || "$@" "$name" "$file" "$old" "$new"; name='' ;;
    esac
  done < <(cat "$root/tests/mutation/faults.txt"; echo)
}

wanted=" $* "
faults=0
missed=0
report() {
  local name=$1 file=$2 outcome original
  if [ "$wanted" != "  " ] && [[ $wanted != *" $name "* ]]; then return; fi
  faults=$((faults + 1))
  original=$(<"$work/$file")
  outcome=$(try_fault "$file" "$3" "$4") || missed=$((missed + 1))
  printf '%s\n' "$original" >"$work/$file"
  printf '%-34s %s\n' "$name" "$outcome"
}

main() {
  copy_sources
  cmake -S "$work" --preset release -DTUNE_BUILD_TESTS=ON -DTUNE_BUILD_SERVICES=OFF \
    -DTUNE_DEPS_DIR="${TUNE_DEPS_DIR:-$HOME/.cache/tune/deps}" >"$log" 2>&1 ||
    { cat "$log"; return 1; }
  build_tests recipe_test run_test trainer_test || { cat "$log"; return 1; }
  local program failed
  for program in recipe_test run_test trainer_test; do
    if failed=$(first_failure "$program"); then
      echo "without any fault: $failed" >&2
      return 1
    fi
  done
  each_fault report
  echo "$faults faults, $missed not noticed"
  [ "$missed" -eq 0 ] && [ "$faults" -gt 0 ]
}

main
