#!/usr/bin/env bash
# Times every aggregation rule of rondo-sim beside bench/aggregate_numpy.py, in turn on the same machine, and prints
# ratios. 50 updates of a million numbers, f = 10 (mda: 4, since it tries all subsets; numpy once).
#
#   bench/compare_aggregators.sh [REPEATS] [RULE ...]
#
# Each figure of Rondo is the median of REPEATS runs (default 3), each of them a median over two seconds.
set -euo pipefail
repeats=${1:-3}
shift || true
rules=("$@")
[ ${#rules[@]} -gt 0 ] || rules=(mean median trimmed_mean meamed krum multi_krum bulyan geometric_median centered_clipping norm_bounding row_median nnm mda)
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-/usr/bin/python3}

number() { "$python" -c "import json, sys; print(json.loads(sys.stdin.readline().removeprefix('RESULT '))['$1'])"; }
median() { sort -g | sed -n "$(((repeats + 1) / 2))p"; }

echo "rule               rondo s   numpy s   ratio   rondo MiB   numpy MiB   copy s / rondo s"
for rule in "${rules[@]}"; do
  f=10 theirs=(--repeats "$repeats") ours=(--strategy "$rule")
  [ "$rule" != mda ] || f=4 theirs=(--repeats 1)
  [ "$rule" != nnm ] || ours=(--strategy mean --set 'pre=["nnm"]')
  seconds=() copies=()
  for _ in $(seq "$repeats"); do
    line=$(build/release/bin/rondo-sim bench --workload aggregate "${ours[@]}" --set f="$f" --clients 50 --parameters 1000000 --json)
    seconds+=("$(number seconds_per_round <<<"$line")")
    copies+=("$(number copy_seconds <<<"$line")")
  done
  other=$("$python" bench/aggregate_numpy.py "$rule" --f "$f" "${theirs[@]}")
  "$python" - "$rule" "$(printf '%s\n' "${seconds[@]}" | median)" "$(number seconds <<<"$other")" \
    "$(number peak_rss_mib <<<"$line")" "$(number peak_rss_mib <<<"$other")" "$(printf '%s\n' "${copies[@]}" | median)" <<'END'
import sys
rule, ours, theirs, our_mib, their_mib, copy = sys.argv[1], *map(float, sys.argv[2:])
print(f"{rule:<17} {ours:8.3f}  {theirs:8.3f}  {theirs / ours:6.1f}  {our_mib:10.0f}  {their_mib:10.0f}  {copy / ours:17.2f}")
END
done
