#!/usr/bin/env bash
# Instructions per call through a loaded module, ours beside the published library's, by callgrind: the difference of two
# runs, so that starting up does not count. Fails when a bound is exceeded.
#
#     tests/bench/ffi/count_calls.sh [BUILD_TREE]
set -euo pipefail
build_tree=${1:-build/release}
out=$build_tree/bench_ffi
source "$(dirname "$0")/build.sh"
build_both count_calls

total() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$out/$1/count_calls" "$out/$1/bench_module.so" "$2" "$3" 2>&1 |
    sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p'
}
per_call() {
  local few many
  few=$(total "$1" "$2" 1000)
  many=$(total "$1" "$2" 5000)
  awk -v a="$few" -v b="$many" 'BEGIN { printf "%.1f", (b - a) / 4000 }'
}

failed=0
printf '%-40s %10s %10s %8s %8s\n' "instructions per call" published ours ratio bound
while read -r name bound; do
  published=$(per_call published "$name")
  ours=$(per_call ours "$name")
  printf '%-40s %10s %10s %8s %8s\n' "$name" "$published" "$ours" \
    "$(awk -v a="$ours" -v b="$published" 'BEGIN { printf "%.2f", a / b }')" "$bound"
  if [ "$bound" != - ] && awk -v a="$ours" -v b="$bound" 'BEGIN { exit !(a > b) }'; then
    echo "  more than $bound" && failed=1
  fi
done <<'CASES'
f() 70
f(int) 91
f(int,int,double) 132
f(TensorView,TensorView,TensorView) 169
f(String) -
callback -
CASES
exit $failed
