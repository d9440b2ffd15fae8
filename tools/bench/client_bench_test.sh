#!/usr/bin/env bash
# The benchmark of the client runs, against a real server, and its calls succeed:
# one that fails ends it with an error.
set -euo pipefail

mkfifo "$TEST_TMPDIR/out"
server/kvs --listen=127.0.0.1:0 --log_level=warning >"$TEST_TMPDIR/out" &
kvs=$!
trap 'kill "$kvs"' EXIT
read -r line <"$TEST_TMPDIR/out"
address=${line##* }

tools/bench/client_bench --server="$address" --benchmark_min_time=0.001 \
  --benchmark_format=json >"$TEST_TMPDIR/result.json"
lines=$(grep -c '"allocations":' "$TEST_TMPDIR/result.json")
if [[ $lines != 12 ]] || grep -q error_occurred "$TEST_TMPDIR/result.json"; then
  cat "$TEST_TMPDIR/result.json"
  exit 1
fi
