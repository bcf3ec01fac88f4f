#!/usr/bin/env bash
# Times rondo-sim bench beside hand-written PyTorch programs, in turn on the same machine, and prints ratios.
#
#   bench/compare_pytorch.sh BENCH [REPEATS]
#   RONDO_DATA=DIR bench/compare_pytorch.sh BENCH [REPEATS]   and w4, on DIR/ml-1m
#
# BENCH holds the workload files (see simulations/bench_workload.h) and the PyTorch programs plain_minibatch.py,
# plain_w1c.py and plain_loop.py, which print one line "RESULT {...units_per_s, loss...}". PyTorch gets an allocator
# that keeps its memory; Rondo sets its own. Each figure is the median of REPEATS runs (default 3).
set -euo pipefail
bench=$(realpath "${1:?usage: bench/compare_pytorch.sh BENCH [REPEATS]}")
repeats=${2:-3}
movies=${RONDO_DATA:+$(realpath "$RONDO_DATA")/ml-1m}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
own=$PWD/bench
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
python=${PYTHON:-/usr/bin/python3}

# number KEY: the value of a key in a line of JSON.
number() { "$python" -c "import json, sys; print(json.loads(sys.stdin.readline().removeprefix('RESULT '))['$1'])"; }
median() { sort -g | sed -n "$((($1 + 1) / 2))p"; }

pytorch() {
  (cd "$bench" && MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=2147483648 MALLOC_TOP_PAD_=67108864 \
    "$python" "$@" | grep '^RESULT ')
}

# compare WORKLOAD DATA PROGRAM...: runs both in turn, so that a busy spell meets both.
compare() {
  local workload=$1 data=$2 loss=loss ours=() theirs=() line
  [ "$workload" != w4 ] || loss=train_loss
  shift 2
  for _ in $(seq "$repeats"); do
    line=$(build/release/bin/rondo-sim bench --workload "$workload" --data "$data" --json)
    ours+=("$(number units_per_s <<<"$line")")
    theirs+=("$(pytorch "$@" | number units_per_s)")
  done
  local a b
  a=$(printf '%s\n' "${ours[@]}" | median "$repeats")
  b=$(printf '%s\n' "${theirs[@]}" | median "$repeats")
  "$python" -c "print(f'{\"$workload\":<4} rondo {$a:9,.0f}/s   pytorch {$b:9,.0f}/s   ratio {$a / $b:5.2f}   (rondo loss', end=' ')"
  echo "$(number "$loss" <<<"$line"), peak $(number peak_rss_mib <<<"$line") MiB)"
}

compare w1 "$bench" plain_minibatch.py 2
compare w1c "$bench" plain_w1c.py batched --procs 2
compare w2 "$bench" plain_loop.py w2 --procs 2
if [ -n "$movies" ]; then
  compare w4 "$movies" "$own/pytorch_w4.py" "$movies"
fi
