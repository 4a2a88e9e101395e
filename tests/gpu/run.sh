#!/usr/bin/env bash
# All that a GPU must show, on the machine that has it: what tune-trainer finds there, parity with the
# CPU, streams, placements, resume, runs that repeat, two GPUs where there are two, and a step of Phi-2's
# size. Needs what tests/gpu/bundle.sh packed, and a python3 with torch 2.11 for LibTorch and CUDA's
# libraries. Prints a table; the last line is one JSON object. Ends within 8 minutes.
#
#   run.sh [BENCH_ARGUMENT...]     from the bundle's folder, or anywhere by its path
#
# TUNE_TEST_DEVICE  cuda (default), or cpu to try the script itself
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
device=${TUNE_TEST_DEVICE:-cuda}
torch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))') || exit 1
nvidia=$(find "$(dirname "$torch")/nvidia" -name lib -type d 2>/dev/null | paste -sd:)
export LD_LIBRARY_PATH=$torch/lib:$nvidia:$here/lib
export GOMP_SPINCOUNT=1000  # else libgomp's threads fight for the cores (worker/trainer/main.cc)
export TUNE_TRAINER=$here/tune-trainer TUNE_TEST_DEVICE=$device
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

section() { printf '\n== %s\n' "$*"; }

section devices
"$here/tune-trainer" devices
found=$?

section tests
timeout 180 "$here/gpu_test" --gtest_output="json:$scratch/tests.json" --gtest_brief=1
tests=$?

section "a step of Phi-2's size"
timeout 270 "$here/gpu_bench" --device "$device" "$@" >"$scratch/bench.json" || echo '{}' >"$scratch/bench.json"

python3 - "$scratch" "$found" "$tests" "$here/commit" <<'END'
import json, os, sys
scratch, found, tests, commit = sys.argv[1:]
def read(name):
    path = os.path.join(scratch, name)
    return json.load(open(path)) if os.path.exists(path) and os.path.getsize(path) else {}
suites = read("tests.json").get("testsuites", [])
cases = [(s["name"] + "." + c["name"], "FAILED" if c.get("failures") else c["result"], c["time"])
         for s in suites for c in s["testsuite"]]
bench = read("bench.json")
print("\n== results")
for name, result, time in cases:
    print(f"{result:10} {time:>9}  {name}")
for r in bench.get("results", []):
    print(f"{r['name']:18} {r['step_seconds']:8.3f} s/step  {r['tokens_per_s']:9.0f} tokens/s  "
          f"mfu {r['mfu']:.2f}  waits {r['update_wait_seconds']:.3f} s  "
          f"peak {r['device_peak_gib']:.1f} of {r['device_planned_gib']:.1f} GiB planned")
import torch
name = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"
print(json.dumps({"benchmark": "gpu", "commit": open(commit).read().strip(), "device": name,
                  "devices_exit": int(found), "tests_exit": int(tests),
                  "tests": [{"name": n, "result": r} for n, r, _ in cases],
                  "results": bench.get("results", []), "ratios": bench.get("ratios", {})}))
END
[ "$found" -eq 0 ] && [ "$tests" -eq 0 ]
