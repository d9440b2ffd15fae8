#!/usr/bin/env bash
# The benchmarks of the durable engine run: small, with kvs alone, and whatever
# they measure. Each ends with an error if a request fails, or a key is absent.
set -euo pipefail

run() {
  local rows=$1 bench=$2
  shift 2
  local table
  table=$("tools/bench/$bench" --bin=. --folder="$TEST_TMPDIR" --rounds=1 "$@")
  if [[ $(grep -c '^| .* [0-9].* |$' <<<"$table") != "$rows" ]]; then
    echo "$bench: not $rows rows of figures:" >&2
    echo "$table" >&2
    exit 1
  fi
}

run 2 compare_synced_writes --servers=kvs --seconds=0.05 --connections=1,4
run 2 recovery --servers=kvs --mebibytes=2 --write_buffer_mebibytes=1
run 6 point_reads --seconds=0.05 --cache_mebibytes=1 --times=2 \
  --value_bytes=4000 --connections=2
